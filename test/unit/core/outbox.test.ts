import { describe, expect, it } from 'vitest';
import { Outbox, type QueuedMessage } from '../../../src/core/outbox.js';
import { thrown } from '../../support/thrown.js';

const bounds = { highWaterBytes: 50, maxBytes: 100 };

describe('the outbox', () => {
  it('returns messages in order and counts the queued bytes', () => {
    const outbox = new Outbox(bounds);
    outbox.push('one', 3, 'reliable');
    outbox.push('three', 5, 'reliable');
    expect([outbox.bytes, outbox.isEmpty]).toEqual([8, false]);
    expect(outbox.shift()).toMatchObject({ message: 'one', bytes: 3 });
    expect(outbox.bytes).toBe(5);
    expect(outbox.shift()).toMatchObject({ message: 'three', bytes: 5 });
    expect(outbox.shift()).toBeUndefined();
    expect([outbox.bytes, outbox.isEmpty]).toEqual([0, true]);
  });

  it('has room up to its bound, including bytes that are buffered elsewhere', () => {
    const outbox = new Outbox(bounds);
    outbox.push('', 60, 'reliable');
    expect(() => outbox.checkRoom(40, 0)).not.toThrow();
    expect(() => outbox.checkRoom(30, 10)).not.toThrow();
    const error = thrown(() => outbox.checkRoom(31, 10));
    expect(error.code).toBe('OUTBOX_FULL');
    expect(error.context).toEqual({ buffered: 70, size: 31, limit: 100 });
    expect(error.message).toMatch(/drained\(\)/);
  });

  it('counts the memory that each message takes, even an empty one', () => {
    const outbox = new Outbox({ highWaterBytes: 500, maxBytes: 1_000 });
    for (let n = 0; n < 1_024; n++) outbox.push('', 0, 'reliable');
    expect(outbox.bytes).toBe(0);
    let more = 0;
    const error = thrown(() => {
      for (; more < 1_000; more++) {
        outbox.checkRoom(0, 0);
        outbox.push('', 0, 'reliable');
      }
    });
    expect([error.code, more]).toEqual(['OUTBOX_FULL', 16]);
    for (let n = 0; n < 16; n++) outbox.shift();
    expect(outbox.bytes).toBe(0);
  });

  it('counts the buffers of many binary messages until they are sent', () => {
    const outbox = new Outbox(bounds);
    for (let n = 0; n < 256; n++) outbox.push(new Uint8Array(1), 1, { latest: `${n}` });
    expect([outbox.bytes, outbox.heldBytes]).toEqual([256, 257 * 256]);
    outbox.push(new Uint8Array(1), 1, 'reliable');
    expect(outbox.bytes).toBe(257 + 256);
    outbox.replace(outbox.peek() as QueuedMessage, 'text', 4);
    expect(outbox.bytes).toBe(257 + 3 + 64);
    while (!outbox.isEmpty) outbox.shift();
    expect([outbox.bytes, outbox.heldBytes]).toEqual([0, 0]);
  });

  it('keeps the position of a replaced `latest` message and adjusts the bytes', () => {
    const outbox = new Outbox(bounds);
    outbox.push('old', 30, { latest: 'position' });
    outbox.push('behind', 6, 'reliable');
    const waiting = outbox.replaceable({ latest: 'position' });
    if (waiting === undefined) throw new Error('nothing to replace');
    outbox.replace(waiting, 'new', 10);
    expect(outbox.bytes).toBe(16);
    expect(outbox.shift()).toMatchObject({ message: 'new', bytes: 10 });
    expect(outbox.shift()).toMatchObject({ message: 'behind' });
    expect(outbox.bytes).toBe(0);
  });

  it('replaces only a queued message with the same key', () => {
    const outbox = new Outbox(bounds);
    expect(outbox.replaceable({ latest: 'a' })).toBeUndefined();
    outbox.push('a', 1, { latest: 'a' });
    expect(outbox.replaceable({ latest: 'b' })).toBeUndefined();
    expect(outbox.replaceable('reliable')).toBeUndefined();
    outbox.shift();
    expect(outbox.replaceable({ latest: 'a' })).toBeUndefined();
  });

  it('returns the remaining messages when it is cleared, and forgets the keys too', () => {
    const outbox = new Outbox(bounds);
    outbox.push('a', 1, { latest: 'a' });
    outbox.push('bc', 2, 'reliable');
    expect(outbox.clear()).toEqual({ messages: 2, bytes: 3 });
    expect([outbox.bytes, outbox.isEmpty, outbox.replaceable({ latest: 'a' })]).toEqual([0, true, undefined]);
    expect(outbox.clear()).toEqual({ messages: 0, bytes: 0 });
  });
});
