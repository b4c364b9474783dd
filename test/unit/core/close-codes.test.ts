import { describe, expect, it, test } from 'vitest';
import * as CloseCode from '../../../src/core/close-codes.js';
import { abnormalClose, canReconnectAfter, checkClose, fittingReason } from '../../../src/core/close-codes.js';
import { thrown } from '../../support/thrown.js';

describe('a close code', () => {
  test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])('%d may be sent', (code) => {
    expect(() => checkClose(code, '')).not.toThrow();
  });

  test.each([
    999,
    1004,
    1005,
    1006,
    1015,
    1016,
    2000,
    2999,
    5000,
    0,
    -1000,
    1000.5,
    65_536,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1000' as never,
    null as never,
  ])('%s throws INVALID_CLOSE', (code) => {
    const error = thrown(() => checkClose(code, ''));
    expect(error.code).toBe('INVALID_CLOSE');
    expect(error.context).toEqual({ code });
    expect(error.message).toMatch(/3000 to 4999/);
  });
});

describe('a close reason', () => {
  test.each([
    ['ASCII', 'a'.repeat(123)],
    ['two bytes each, and one', `${'é'.repeat(61)}a`],
    ['three bytes each', '€'.repeat(41)],
    ['four bytes each, and three', `${'😀'.repeat(30)}€`],
  ])('of 123 bytes is accepted: %s', (_, reason) => {
    expect(Buffer.byteLength(reason)).toBe(123);
    expect(() => checkClose(1000, reason)).not.toThrow();
  });

  test.each([
    ['ASCII', 'a'.repeat(124)],
    ['two bytes each', 'é'.repeat(62)],
    ['three bytes each, and one', `${'€'.repeat(41)}a`],
    ['four bytes each', '😀'.repeat(31)],
  ])('of 124 bytes is refused: %s', (_, reason) => {
    expect(Buffer.byteLength(reason)).toBe(124);
    const error = thrown(() => checkClose(1000, reason));
    expect(error.code).toBe('INVALID_CLOSE');
    expect(error.context).toEqual({ size: 124, limit: 123 });
  });
});

describe('reconnecting after a close code', () => {
  it('does not happen when it would lead to the same close, or when the peer closed normally', () => {
    const refused = Array.from({ length: 6000 }, (_, code) => code).filter((code) => !canReconnectAfter(code));
    const range4400 = Array.from({ length: 100 }, (_, index) => 4400 + index);
    expect(refused).toEqual([1000, 1002, 1003, 1007, 1008, 1010, ...range4400]);
  });

  it("does not happen after this library's code for a full inbox, because a stopped reader would fill it again", () => {
    expect(canReconnectAfter(CloseCode.inboxFull)).toBe(false);
  });
});

it('happens without a closing handshake, which counts as 1006 and unclean', () => {
  expect(abnormalClose('why')).toEqual({ code: 1006, reason: 'why', wasClean: false });
});

describe('an internal close reason', () => {
  it('that is too long for a close frame is truncated between two characters', () => {
    expect(fittingReason('short')).toBe('short');
    expect(fittingReason('x'.repeat(124))).toBe('x'.repeat(123));
    expect(fittingReason('👋'.repeat(31))).toBe('👋'.repeat(30));
  });
});
