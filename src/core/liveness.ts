import type { Cancel, Clock } from './clock.js';
import type { LivenessTimes } from './options.js';

export interface LivenessHost {
  /** Undefined where this link cannot ping: then only a sleep can be noticed. */
  readonly ping: (() => void) | undefined;
  dead(silentMs: number): void;
  measured(rttMs: number): void;
}

/** A timer that is this much late means that the machine slept. Hidden pages run timers once a minute (Chromium, "intensive throttling"). */
const SLEEP_MS = 75_000;

/**
 * Finds a dead link. Any byte proves life; after `pingMs` without one it pings, and after `timeoutMs` more the link
 * is dead. One timer, set again only when it fires, so that a busy link pays one assignment for each message.
 */
export class Liveness {
  readonly #times: LivenessTimes;
  readonly #clock: Clock;
  readonly #host: LivenessHost;
  #lastByteAt: number;
  #lastCheckAt: number;
  #pingedAt: number | undefined;
  #isHeld = false;
  #cancel: Cancel;
  #isStopped = false;

  constructor(times: LivenessTimes, clock: Clock, host: LivenessHost) {
    this.#times = times;
    this.#clock = clock;
    this.#host = host;
    this.#lastByteAt = clock.now();
    this.#lastCheckAt = this.#lastByteAt;
    this.#cancel = clock.after(times.pingMs, () => this.#check(times.pingMs));
  }

  /** A byte came. */
  touch(): void {
    this.#lastByteAt = this.#clock.now();
  }

  /** The answer to our ping came. */
  pong(): void {
    const now = this.#clock.now();
    if (this.#pingedAt !== undefined) this.#host.measured(Math.max(0, now - this.#pingedAt));
    this.#pingedAt = undefined;
    this.#lastByteAt = now;
  }

  /**
   * The page is shown again, or the network is back: judge by the clock on the wall, however late the timers are, and
   * ask at once, however short the silence.
   */
  wake(): void {
    if (this.#isStopped) return;
    this.#cancel();
    this.#check(0);
  }

  /**
   * The wire is not read any more: nothing can prove life, and silence proves nothing. The pings go on, because a
   * write to a peer that is gone fails, and would be the only thing to tell.
   */
  hold(): void {
    this.#isHeld = true;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #check(patienceMs: number): void {
    const now = this.#clock.now();
    // The clock may have been set back, and nothing has come later than now.
    this.#lastByteAt = Math.min(this.#lastByteAt, now);
    const silentMs = now - this.#lastByteAt;
    const sleptMs = now - this.#lastCheckAt - this.#times.pingMs;
    this.#lastCheckAt = now;
    if (this.#isHeld) this.#pingBlindly();
    else if (this.#host.ping === undefined) this.#checkWithoutPing(silentMs, sleptMs);
    else this.#checkWithPing(now, silentMs, patienceMs, this.#host.ping);
  }

  #pingBlindly(): void {
    this.#next(this.#times.pingMs);
    this.#host.ping?.();
  }

  #checkWithPing(now: number, silentMs: number, patienceMs: number, ping: () => void): void {
    const { pingMs, timeoutMs } = this.#times;
    // A byte of the same millisecond came after the ping: it was silence that made us ask.
    const askedMs = this.#pingedAt === undefined || this.#pingedAt <= this.#lastByteAt ? -1 : now - this.#pingedAt;
    if (askedMs >= timeoutMs) {
      this.#host.dead(silentMs);
      return;
    }
    if (askedMs < 0 && silentMs >= patienceMs) {
      this.#pingedAt = now;
      this.#next(timeoutMs);
      ping();
      return;
    }
    this.#next(askedMs < 0 ? pingMs - silentMs : timeoutMs - askedMs);
  }

  #checkWithoutPing(silentMs: number, sleptMs: number): void {
    if (sleptMs > SLEEP_MS && silentMs > SLEEP_MS) this.#host.dead(silentMs);
    else this.#next(this.#times.pingMs);
  }

  #next(delayMs: number): void {
    this.#cancel = this.#clock.after(Math.max(1, delayMs), () => this.#check(this.#times.pingMs));
  }
}
