import type { Clock } from '../core/clock.js';

/** From this many records on, the acknowledgement is sent in the same turn. */
const MANY_RECORDS = 1024;
/** A timer that is this late is throttled, as in a hidden page. */
const LATE_MS = 250;

/**
 * Decides when an acknowledgement is sent on its own. After a pause it is sent at the end of the turn, without a timer; in a
 * stream of messages one is sent every `ackDelayMs`, or with the next batch of data.
 */
export class DelayedAck {
  readonly #delayMs: number;
  readonly #clock: Clock;
  readonly #due: () => void;
  #owed = 0;
  #owedSince = 0;
  #lastAt = Number.NEGATIVE_INFINITY;
  #isTiming = false;
  #timersAreLate = false;

  /** @param due called when an acknowledgement must be sent at the end of this turn. */
  constructor(delayMs: number, clock: Clock, due: () => void) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#due = due;
  }

  get isOwed(): boolean {
    return this.#owed > 0;
  }

  /** A batch with so many numbered records has arrived. */
  received(records: number): void {
    if (records === 0) return;
    const now = this.#clock.now();
    if (this.#owed === 0) this.#owedSince = now;
    this.#owed += records;
    // The absolute value treats a clock that was set back as a pause; otherwise the acknowledgement would be late by as much.
    const isPaused = Math.abs(now - this.#lastAt) >= this.#delayMs || Math.abs(now - this.#owedSince) >= this.#delayMs;
    if (isPaused || this.#owed >= MANY_RECORDS || this.#timersAreLate) this.#due();
    this.#startTimer(now, this.#delayMs);
  }

  /** An acknowledgement is being sent. */
  sent(): void {
    this.#owed = 0;
    this.#lastAt = this.#clock.now();
  }

  /** The transport is gone: the handshake of the next one carries the count. */
  reset(): void {
    this.#owed = 0;
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }

  /** The timer is not cancelled when an acknowledgement is sent: starting one for every batch costs more. */
  #startTimer(startedAt: number, delayMs: number): void {
    if (this.#isTiming) return;
    this.#isTiming = true;
    this.#clock.after(delayMs, () => {
      this.#isTiming = false;
      const now = this.#clock.now();
      this.#timersAreLate = now - startedAt - delayMs > LATE_MS;
      if (this.#owed === 0) return;
      const restMs = this.#owedSince + this.#delayMs - now;
      if (restMs > 0 && restMs <= this.#delayMs) this.#startTimer(now, restMs);
      else this.#due();
    });
  }
}
