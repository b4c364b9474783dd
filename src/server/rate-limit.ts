import type { RateLimit } from './options.js';

/** A token bucket: full at first, refilled evenly, one token for each message. */
export class TokenBucket {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  constructor(limit: RateLimit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
    this.#tokens = limit.burst;
    this.#filledAt = now();
  }

  /** False: there was none. */
  take(): boolean {
    const now = this.#now();
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + (elapsedMs * this.#limit.messagesPerSecond) / 1000);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
