import type { ChannelContext } from '../core/channel.js';
import * as CloseCode from '../core/close-codes.js';
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

  /** False if there was no token. */
  take(): boolean {
    this.#fill(this.#elapsedMs(), this.#limit.burst);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /**
   * A client sends the messages of a disconnect all at once when it resumes. The tokens of that time, at most `maxMs`, are added to the
   * burst. The time before the disconnect fills the bucket to the burst at most.
   */
  grantDisconnect(disconnectedMs: number, maxMs: number): void {
    const { burst } = this.#limit;
    this.#fill(this.#elapsedMs() - disconnectedMs, burst);
    this.#fill(disconnectedMs, burst + this.#share(maxMs));
  }

  #elapsedMs(): number {
    const now = this.#now();
    // A clock that was set back adds no tokens and removes none.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    return elapsedMs;
  }

  /** Tokens of a disconnect beyond the burst stay until they are used. */
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
  /** A connected client sends a sign of life at least this often; undefined without pings. */
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

  /** The same context, in which every message of the application needs a token. */
  limit({ sink, control }: ChannelContext): ChannelContext {
    const counted = () => {
      const isWithin = this.#bucket.take();
      if (!isWithin) control.fail(CloseCode.policyViolation, makeError('RATE_LIMITED', { ...this.#limit }));
      return isWithin;
    };
    return {
      sink: {
        deliver: (message, bytes) => {
          if (counted()) sink.deliver(message, bytes);
        },
        counted,
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

  /** A transport is accepted. The disconnect began with the last sign of life of the old transport, and ends now. */
  connected(): void {
    this.#disconnectedMs = performance.now() - this.#connectedUntil;
  }

  /** Records every sign of life of the peer from here on. */
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
        // After an unanswered ping, the close event says nothing about when the peer was last connected.
        if (this.#pingMs === undefined || performance.now() - this.#connectedUntil <= this.#pingMs) heard();
        events.closed(info, error);
      },
    };
  }
}
