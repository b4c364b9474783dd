import { type Cancel, type Clock, deadline, GRACE_MS } from './clock.js';
import type { LivenessTimes } from './options.js';

export interface LivenessEvents {
  /** Undefined if neither transport nor channel can ping: then only a sleep can be detected. */
  readonly ping: (() => void) | undefined;
  dead(silentMs: number): void;
  measured(rttMs: number): void;
}

/** A timer that is this late means that the machine slept. Hidden pages run timers once a minute (Chromium, "intensive throttling"). */
const SLEEP_MS = 75_000;

/**
 * The time for an answer after a silence longer than `pingMs` and `timeoutMs` together: the machine has slept, and its NAT
 * entry has probably expired. A person who opens a laptop looks at the screen, and a resume costs less than a wait.
 */
const AWAKE_MS = 900;

/**
 * Detects a half-open connection. Any received byte proves that the peer is alive; after `pingMs` without one it pings, and after
 * `timeoutMs` more the connection is dead. One timer, restarted only when it fires: a message costs one assignment.
 */
export class Liveness {
  readonly #times: LivenessTimes;
  readonly #clock: Clock;
  readonly #events: LivenessEvents;
  #lastByteAt: number;
  #lastCheckAt: number;
  #pingedAt: number | undefined;
  /** The time for the answer to the present ping. */
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

  /** Bytes were received. */
  touch(): void {
    this.#lastByteAt = this.#clock.now();
  }

  /** The answer to the ping was received. */
  pong(): void {
    this.touch();
    if (this.#pingedAt === undefined || this.#isStopped) return;
    this.#events.measured(Math.max(0, this.#lastByteAt - this.#pingedAt));
    this.#pingedAt = undefined;
    // The timer is set to the end of the time for an answer; the silence is counted from here.
    this.#cancel();
    this.#next(this.#times.pingMs);
  }

  /**
   * The page is shown again, or the network is back: compares with the wall clock, whether or not timers are late, and
   * pings at once, however short the silence.
   */
  wake(): void {
    if (this.#isStopped) return;
    this.#cancel();
    this.#check(0);
  }

  /** The socket is paused: silence and a missing pong mean nothing until `release`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The socket is read again; the silence is counted from here. */
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
    const { pingMs } = this.#times;
    const now = this.#clock.now();
    // The clock may have been set back.
    this.#lastByteAt = Math.min(this.#lastByteAt, now);
    const silentMs = now - this.#lastByteAt;
    const sleptMs = now - this.#lastCheckAt - pingMs;
    this.#lastCheckAt = now;
    if (this.#events.ping !== undefined && !this.#isHeld) this.#checkWithPing(now, silentMs, patienceMs);
    else if (!this.#isHeld && Math.min(sleptMs, silentMs) > SLEEP_MS) this.#events.dead(silentMs);
    else {
      // While nothing is read, a ping makes TCP detect a peer that is gone.
      this.#next(pingMs);
      this.#events.ping?.();
    }
  }

  #checkWithPing(now: number, silentMs: number, patienceMs: number): void {
    const { pingMs, timeoutMs } = this.#times;
    // A byte of the same millisecond came after the ping, which was sent because of a silence.
    const askedMs = this.#pingedAt === undefined || this.#pingedAt <= this.#lastByteAt ? -1 : now - this.#pingedAt;
    if (askedMs >= this.#answerMs) {
      // After a wake-up the timer may be late by any time, and the answer may be unread.
      if (patienceMs === 0) this.#next(GRACE_MS, true);
      else this.#events.dead(silentMs);
    } else if (askedMs >= 0) this.#next(this.#answerMs - askedMs, true);
    else if (silentMs < patienceMs) this.#next(pingMs - silentMs);
    else {
      this.#pingedAt = now;
      this.#answerMs = silentMs >= pingMs + timeoutMs ? Math.min(AWAKE_MS, timeoutMs) : timeoutMs;
      this.#next(this.#answerMs, true);
      this.#events.ping?.();
    }
  }

  /** @param isDeadline a ping was sent, and the connection is dead without an answer. */
  #next(delayMs: number, isDeadline = false): void {
    const waitMs = Math.max(1, delayMs);
    const check = () => this.#check(this.#times.pingMs);
    this.#cancel = isDeadline ? deadline(this.#clock, waitMs, check) : this.#clock.after(waitMs, check);
  }
}
