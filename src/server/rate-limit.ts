import type { ChannelContext } from '../core/channel.js';
import * as CloseCode from '../core/close-code.js';
import { makeError } from '../core/errors.js';
import type { AcceptedTransport } from '../core/transport.js';
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

  /**
   * What a client could not send while it was disconnected arrives all at once afterwards: the share of that time is
   * added to the burst, for `maxMs` at most. The time before, when the client was connected, fills no more than the burst.
   */
  grantDisconnect(disconnectedMs: number, maxMs: number): void {
    const { burst } = this.#limit;
    this.#fill(this.#elapsedMs() - disconnectedMs, burst);
    this.#fill(disconnectedMs, burst + this.#share(maxMs));
  }

  #elapsedMs(): number {
    const now = this.#now();
    // A clock that was set back fills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    return elapsedMs;
  }

  /** What a disconnect has granted beyond the burst stays until it is used. */
  #fill(elapsedMs: number, most: number): void {
    const filled = this.#tokens + this.#share(elapsedMs);
    this.#tokens = Math.max(this.#tokens, Math.min(most, filled));
  }

  #share(elapsedMs: number): number {
    return (elapsedMs * this.#limit.messagesPerSecond) / 1000;
  }
}

/** Counts the messages of one client, and measures how long it is disconnected. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #resumeWindowMs: number;
  /** A connected client is silent for no longer; undefined where it is not asked. */
  readonly #pingMs: number | undefined;
  readonly #bucket: TokenBucket;
  #connectedUntil = performance.now();
  #disconnectedMs = 0;

  constructor(limit: RateLimit, resumeWindowMs: number, pingMs: number | undefined) {
    this.#limit = limit;
    this.#resumeWindowMs = resumeWindowMs;
    this.#pingMs = pingMs;
    this.#bucket = new TokenBucket(limit, () => performance.now());
  }

  /** The same context; each message of the application's needs a token before anything else happens to it. */
  limit({ sink, control }: ChannelContext): ChannelContext {
    return {
      sink: {
        deliver: (message, bytes) => {
          if (this.#bucket.take()) sink.deliver(message, bytes);
          else control.fail(CloseCode.policyViolation, makeError('RATE_LIMITED', { ...this.#limit }));
        },
        sent: (bytes) => sink.sent(bytes),
        shed: () => sink.shed(),
        drained: () => sink.drained(),
        measured: (rttMs) => sink.measured(rttMs),
      },
      control: {
        ready: (continuity) => {
          if (continuity.resumed) this.#bucket.grantDisconnect(this.#disconnectedMs, this.#resumeWindowMs);
          control.ready(continuity);
        },
        pong: () => control.pong(),
        fail: (code, error) => control.fail(code, error),
        ended: (info) => control.ended(info),
        terminate: (info, error) => control.terminate(info, error),
        retryAfter: (delayMs) => control.retryAfter(delayMs),
        undelivered: (messages) => control.undelivered(messages),
      },
    };
  }

  /** A transport is accepted: a disconnect lasts from the last sign of the old transport until now. */
  connected(): void {
    this.#disconnectedMs = performance.now() - this.#connectedUntil;
  }

  /** Notes every sign of the peer from here on. */
  watch(transport: AcceptedTransport): void {
    const { events } = transport;
    const heard = () => {
      this.#connectedUntil = performance.now();
    };
    transport.events = {
      opened: () => events.opened(),
      drained: () => events.drained(),
      received: (message, bytes) => {
        heard();
        events.received(message, bytes);
      },
      alive: () => {
        heard();
        events.alive();
      },
      pong: () => {
        heard();
        events.pong();
      },
      closed: (info, error) => {
        // After a ping that was not answered, the end of the socket is late news of a link that was dead before.
        if (this.#pingMs === undefined || performance.now() - this.#connectedUntil <= this.#pingMs) heard();
        events.closed(info, error);
      },
    };
  }
}
