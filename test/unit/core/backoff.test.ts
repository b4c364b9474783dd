import { describe, expect, it } from 'vitest';
import { backoffDelayMs } from '../../../src/core/backoff.js';
import { seededRandom } from '../../support/seeded-random.js';

const backoff = { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 10 };

describe('the delay before an attempt', () => {
  it('lies anywhere from nothing up to the ceiling', () => {
    expect(backoffDelayMs(backoff, 1, 0)).toBe(0);
    expect(backoffDelayMs(backoff, 1, 0.5)).toBe(250);
    expect(backoffDelayMs(backoff, 1, 0.999_999)).toBe(499);
  });

  it('has a ceiling that doubles with each attempt and ends at the maximum, however many there were', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((attempt) => backoffDelayMs(backoff, attempt, 0.5) * 2);
    expect(ceilings).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('never passes the maximum, also when that is below the minimum', () => {
    expect(backoffDelayMs({ ...backoff, minDelayMs: 5000, maxDelayMs: 100 }, 1, 0.5)).toBe(50);
  });

  it('is evenly spread: each tenth of the range gets about a tenth of the clients', () => {
    const random = seededRandom(3);
    const tenths = new Array<number>(10).fill(0);
    for (let client = 0; client < 10_000; client++) {
      const tenth = Math.floor(backoffDelayMs(backoff, 7, random()) / 3000);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // Ten times the standard deviation of 30 away from 1,000 would be no chance.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
