/** How long to wait before an attempt, and how often to try. */
export interface Backoff {
  /** Ceiling of the first delay. */
  readonly minDelayMs: number;
  /** Ceiling of every delay. */
  readonly maxDelayMs: number;
  readonly maxAttempts: number;
}

/** While a person looks at the page: short enough to wait for, and the server's clients are still spread over it. */
const VISIBLE_MAX_DELAY_MS = 5_000;

export function visibleBackoff(backoff: Backoff): Backoff {
  return { ...backoff, maxDelayMs: Math.max(backoff.minDelayMs, VISIBLE_MAX_DELAY_MS) };
}

/**
 * Exponential with full jitter: evenly spread between nothing and a ceiling that doubles. Full jitter spreads the
 * clients of a restarted server best of the common variants (AWS Architecture Blog, "Exponential Backoff and Jitter").
 *
 * @param attempt counted from 1.
 * @param chance in [0, 1).
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, chance: number): number {
  const ceilingMs = Math.min(backoff.maxDelayMs, backoff.minDelayMs * 2 ** (attempt - 1));
  return Math.floor(ceilingMs * chance);
}
