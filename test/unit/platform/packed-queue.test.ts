import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arrival, ArrivalQueue } from '../../../src/core/inbox.js';
import { sizeOf } from '../../../src/core/message-bytes.js';
import { Queue } from '../../../src/core/queue.js';
import type { Message } from '../../../src/core/types.js';
import { PackedQueue } from '../../../src/platform/node/packed-queue.js';

const message: fc.Arbitrary<Message> = fc
  .record({ size: fc.oneof(fc.nat(40), fc.integer({ min: 1_000, max: 1_100 })), letter: fc.constantFrom('x', 'é', '€', '😀', undefined) })
  .map(({ size, letter }) => (letter === undefined ? new Uint8Array(size).fill(size) : letter.repeat(size)));

const steps = fc.array(fc.record({ message, copies: fc.nat(90), reads: fc.nat(90) }), { maxLength: 6 });

const put = (queue: ArrivalQueue, one: Message, copies: number) => {
  for (let copy = 0; copy < copies; copy++) queue.push({ message: one, bytes: sizeOf(one) });
};

const take = (queue: ArrivalQueue, count: number) => Array.from({ length: count }, () => queue.shift());

describe('a packed queue', () => {
  it('returns its elements in order for any sequence of operations', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const [packed, plain] = [new PackedQueue(), new Queue<Arrival>()];
        for (const { message: one, copies, reads } of all) {
          for (const queue of [packed, plain]) put(queue, one, copies);
          expect(take(packed, reads)).toEqual(take(plain, reads));
          expect(packed.length).toBe(plain.length);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('keeps a byte order mark, which is part of the text', () => {
    const packed = new PackedQueue();
    put(packed, '\uFEFFtext', 100);
    expect(take(packed, 100).at(-1)?.message).toBe('\uFEFFtext');
  });

  it('returns each binary message in its own buffer', () => {
    const packed = new PackedQueue();
    put(packed, Uint8Array.of(7), 100);
    const bodies = take(packed, 100).map((arrival) => (arrival as Arrival).message as Uint8Array);
    expect(bodies.every(({ buffer }) => buffer.byteLength === 1)).toBe(true);
  });

  it('is empty once cleared', () => {
    const packed = new PackedQueue();
    for (let index = 0; index < 100; index++) packed.push({ message: 'x'.repeat(20 * index), bytes: 20 * index });
    packed.clear();
    expect([packed.length, packed.shift()]).toEqual([0, undefined]);
  });
});
