import { CloseCode } from '../core/close-codes.js';
import { WebsocketError } from '../core/errors.js';
import type { SessionHost } from '../core/link.js';
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
    this.#fill(this.#elapsedMs(), this.#limit.burst);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** What could not be sent during a break comes all at once after it: the share of a break so long fits on top of the burst. */
  grantBreak(maxMs: number): void {
    this.#fill(this.#elapsedMs(), this.#limit.burst + (maxMs * this.#limit.messagesPerSecond) / 1000);
  }

  #elapsedMs(): number {
    const now = this.#now();
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    return elapsedMs;
  }

  /** What a break has granted beyond the burst stays until it is used. */
  #fill(elapsedMs: number, most: number): void {
    const filled = this.#tokens + (elapsedMs * this.#limit.messagesPerSecond) / 1000;
    this.#tokens = Math.max(this.#tokens, Math.min(most, filled));
  }
}

/**
 * The same host, which asks for each message of the application's, however it travelled, before anybody sees it.
 *
 * @param maxBreakMs the longest break of a session.
 */
export function rateLimited(host: SessionHost, limit: RateLimit, maxBreakMs = 0): SessionHost {
  const bucket = new TokenBucket(limit, () => performance.now());
  return {
    ...host,
    ready: (continuity) => {
      if (continuity.resumed) bucket.grantBreak(maxBreakMs);
      host.ready(continuity);
    },
    deliver: (message, bytes) => {
      if (bucket.take()) host.deliver(message, bytes);
      else host.fail(CloseCode.policyViolation, tooMany(limit));
    },
  };
}

function tooMany(limit: RateLimit): WebsocketError {
  return new WebsocketError(
    'RATE_LIMITED',
    `The client sent more than ${limit.messagesPerSecond} messages a second, beyond a burst of ${limit.burst}, and was closed with 1008. Raise rateLimit if that is wanted.`,
    { ...limit },
  );
}
