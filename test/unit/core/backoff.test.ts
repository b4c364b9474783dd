import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../src/core/backoff.js';
import { seededRandom } from '../../support/seeded-random.js';

const backoff = { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 10 };

describe('the delay before a connection attempt', () => {
  it('is drawn from zero up to a ceiling', () => {
    expect(backoffDelayMs(backoff, 1, 0)).toBe(0);
    expect(backoffDelayMs(backoff, 1, 0.5)).toBe(250);
    expect(backoffDelayMs(backoff, 1, 0.999_999)).toBe(499);
  });

  it('has a ceiling that doubles with each failed attempt up to the maximum', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((attempt) => backoffDelayMs(backoff, attempt, 0.5) * 2);
    expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('never exceeds the maximum, even when the maximum is below the minimum', () => {
    expect(backoffDelayMs({ ...backoff, minDelayMs: 5000, maxDelayMs: 100 }, 1, 0.5)).toBe(50);
  });

  it('is evenly distributed: about a tenth of the clients fall into each tenth of the range', () => {
    const random = seededRandom(3);
    const tenths = new Array<number>(10).fill(0);
    for (let client = 0; client < 10_000; client++) {
      const tenth = Math.floor(backoffDelayMs(backoff, 7, random()) / 3000);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // A deviation of 300 from 1,000 is ten standard deviations.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
