import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Queue } from '../../../src/core/queue.js';

describe('a queue', () => {
  it('returns elements in the order of insertion', () => {
    const queue = new Queue<number>();
    for (let item = 0; item < 10_000; item++) queue.push(item);
    expect(queue.length).toBe(10_000);
    expect(queue.peek()).toBe(0);
    for (let item = 0; item < 10_000; item++) expect(queue.shift()).toBe(item);
    expect(queue.length).toBe(0);
    expect(queue.shift()).toBeUndefined();
    expect(queue.peek()).toBeUndefined();
  });

  it('is empty once cleared, and usable again', () => {
    const queue = new Queue<string>();
    queue.push('a');
    queue.push('b');
    queue.shift();
    queue.clear();
    expect(queue.length).toBe(0);
    expect(queue.shift()).toBeUndefined();
    queue.push('c');
    expect(queue.shift()).toBe('c');
  });

  it('behaves as an array does for any sequence of operations', () => {
    // Pushes where positive, shifts where negative.
    const moves = fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 12 });
    fc.assert(
      fc.property(moves, (list) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        for (const count of list) {
          for (let item = 0; item < count; item++) {
            queue.push(item);
            model.push(item);
          }
          const shifted = Array.from({ length: Math.max(0, -count) }, () => queue.shift());
          expect(shifted).toEqual(Array.from(shifted, () => model.shift()));
          expect([queue.length, queue.peek()]).toEqual([model.length, model[0]]);
        }
      }),
      { numRuns: 30 },
    );
  });
});
