import { describe, expect, it } from 'vitest';
import { clientParts } from '../../src/core/client-parts.js';
import { session } from '../../src/session/feature.js';
import { MemoryPlatform } from '../support/memory-platform.js';

const make = (protocols: readonly string[]) =>
  clientParts(new MemoryPlatform(), 'ws://test', 'insecure', { protocols, session: session() });

describe('the subprotocols of a session', () => {
  it('are as many as a handshake holds', () => {
    const names = Array.from({ length: 33 }, (_, index) => `protocol-${index}`);
    expect(() => make(names.slice(0, 32))).not.toThrow();
    expect(() => make(names)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('are no longer than a handshake holds', () => {
    expect(() => make(['p'.repeat(255)])).not.toThrow();
    expect(() => make(['p'.repeat(256)])).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('are without gem.1, which the session offers itself', () => {
    expect(() => make(['gem.1'])).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});

it('refuses an ackDelayMs that no timer can measure', () => {
  expect(() => session({ ackDelayMs: Number.POSITIVE_INFINITY })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', context: expect.objectContaining({ option: 'session.ackDelayMs' }) }),
  );
});

it('refuses a batchDelayMs over a second', () => {
  expect(() => session({ batchDelayMs: 0 })).not.toThrow();
  for (const batchDelayMs of [-1, 1_001, Number.NaN]) {
    expect(() => session({ batchDelayMs })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', context: expect.objectContaining({ option: 'session.batchDelayMs' }) }),
    );
  }
});
