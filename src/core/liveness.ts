import { type Cancel, type Clock, deadline, GRACE_MS } from './clock.js';
import type { LivenessTimes } from './options.js';

export interface LivenessEvents {
  /** Undefined where this link cannot ping: then only a sleep can be noticed. */
  readonly ping: (() => void) | undefined;
  dead(silentMs: number): void;
  measured(rttMs: number): void;
}

/** A timer that is this much late means that the machine slept. Hidden pages run timers once a minute (Chromium, "intensive throttling"). */
const SLEEP_MS = 75_000;

/**
 * After a silence in which a link that lives would have been found dead, the machine has slept, and so has its NAT
 * entry: the peer has this long to answer. Who opens a laptop looks at the screen, and a resume costs less than a wait.
 */
const AWAKE_MS = 900;

/**
 * Finds a dead link. Any byte proves life; after `pingMs` without one it pings, and after `timeoutMs` more the link
 * is dead. One timer, set again only when it fires, so that a busy link pays one assignment for each message.
 */
export class Liveness {
  readonly #times: LivenessTimes;
  readonly #clock: Clock;
  readonly #events: LivenessEvents;
  #lastByteAt: number;
  #lastCheckAt: number;
  #pingedAt: number | undefined;
  /** How long the peer has to answer the present ping. */
  #answerMs: number;
  #isHeld = false;
  #cancel: Cancel;
  #isStopped = false;

  constructor(times: LivenessTimes, clock: Clock, events: LivenessEvents) {
    this.#times = times;
    this.#clock = clock;
    this.#events = events;
    this.#answerMs = times.timeoutMs;
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
    this.#lastByteAt = now;
    if (this.#pingedAt === undefined || this.#isStopped) return;
    this.#events.measured(Math.max(0, now - this.#pingedAt));
    this.#pingedAt = undefined;
    // The timer stands at the end of the time to answer, and silence counts anew from here.
    this.#cancel();
    this.#next(this.#times.pingMs);
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

  /** The socket is not read for now: its silence, and a pong that waits unread, say nothing. */
  hold(): void {
    this.#isHeld = true;
  }

  /** It is read again, and silence counts from here on. */
  release(): void {
    this.#isHeld = false;
    this.#pingedAt = undefined;
    this.touch();
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
    if (this.#isHeld) this.#checkUnread();
    else if (this.#events.ping === undefined) this.#checkWithoutPing(silentMs, sleptMs);
    else this.#checkWithPing(now, silentMs, patienceMs, this.#events.ping);
  }

  /** Nothing can be heard, but a ping makes TCP notice a peer that is gone. */
  #checkUnread(): void {
    this.#events.ping?.();
    this.#next(this.#times.pingMs);
  }

  #checkWithPing(now: number, silentMs: number, patienceMs: number, ping: () => void): void {
    const { pingMs, timeoutMs } = this.#times;
    // A byte of the same millisecond came after the ping: it was silence that made us ask.
    const askedMs = this.#pingedAt === undefined || this.#pingedAt <= this.#lastByteAt ? -1 : now - this.#pingedAt;
    if (askedMs >= this.#answerMs) {
      // Woken: the timer may be as late as it will, and the answer may lie unread.
      if (patienceMs === 0) this.#next(GRACE_MS, true);
      else this.#events.dead(silentMs);
      return;
    }
    if (askedMs < 0 && silentMs >= patienceMs) {
      this.#pingedAt = now;
      this.#answerMs = silentMs >= pingMs + timeoutMs ? Math.min(AWAKE_MS, timeoutMs) : timeoutMs;
      this.#next(this.#answerMs, true);
      ping();
      return;
    }
    if (askedMs < 0) this.#next(pingMs - silentMs);
    else this.#next(this.#answerMs - askedMs, true);
  }

  #checkWithoutPing(silentMs: number, sleptMs: number): void {
    if (sleptMs > SLEEP_MS && silentMs > SLEEP_MS) this.#events.dead(silentMs);
    else this.#next(this.#times.pingMs);
  }

  /** @param isDeadline the peer has been asked, and is dead without an answer. */
  #next(delayMs: number, isDeadline = false): void {
    const waitMs = Math.max(1, delayMs);
    const check = () => this.#check(this.#times.pingMs);
    this.#cancel = isDeadline ? deadline(this.#clock, waitMs, check) : this.#clock.after(waitMs, check);
  }
}
