import { describe, expect, it } from 'vitest';
import { limit } from '../support/pace.js';
import { startScript } from '../support/programs.js';

const CYCLES = Number(process.env.GEMSOCKET_CYCLES ?? 2_000);
/** The growth by compiled code and counters. A leak of one small object per connection exceeds it. */
const NOISE_BYTES = 192 * 1024;

describe('connecting and closing repeatedly', () => {
  it(`${CYCLES} times keeps the heap flat, and the process exits by itself`, { timeout: limit(1_200_000) }, async () => {
    await using script = await startScript('test/faults/children/cycles.ts', [CYCLES]);
    const { heaps, exitListeners } = (await script.said('done', 1_200_000)) as { heaps: number[]; exitListeners: number };
    console.log(script.output);
    // The first half is the warm-up.
    const half = Math.floor(heaps.length / 2);
    expect((heaps.at(-1) ?? 0) - (heaps[half] ?? 0)).toBeLessThan(NOISE_BYTES);
    expect(exitListeners).toBe(0);
    expect(await script.ended).toBe(0);
  });
});
