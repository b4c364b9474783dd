/** How long to wait before an attempt, and how often to try. */
export interface Backoff {
  /** Ceiling of the first delay. */
  readonly minDelayMs: number;
  /** Ceiling of every delay. */
  readonly maxDelayMs: number;
  readonly maxAttempts: number;
}

/** For a visible page: a time that a person waits, and long enough to spread the clients of a server. */
const VISIBLE_MAX_DELAY_MS = 5_000;

export function visibleBackoff(backoff: Backoff): Backoff {
  return { ...backoff, maxDelayMs: Math.max(backoff.minDelayMs, VISIBLE_MAX_DELAY_MS) };
}

/**
 * Exponential backoff with full jitter: uniform between 0 and a ceiling that doubles. Of the common variants, full jitter
 * spreads the clients of a restarted server best (AWS Architecture Blog, "Exponential Backoff and Jitter").
 *
 * @param attempt counted from 1.
 * @param chance in [0, 1).
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, chance: number): number {
  const ceilingMs = Math.min(backoff.maxDelayMs, backoff.minDelayMs * 2 ** (attempt - 1));
  return Math.floor(ceilingMs * chance);
}
