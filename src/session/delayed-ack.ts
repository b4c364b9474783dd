import type { Clock } from '../core/clock.js';

/** So many records are acknowledged in the turn in which they came. */
const MANY_RECORDS = 1024;
/** A timer this much later than asked was held back, as those of hidden pages are. */
const LATE_MS = 250;

/**
 * Decides when an acknowledgement must leave although nothing else does. One that follows the last after a pause
 * leaves with the turn, without any timer; in a stream one leaves every `ackDelayMs`, or with what is sent anyway.
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

  /** @param due an acknowledgement must leave with this turn. */
  constructor(delayMs: number, clock: Clock, due: () => void) {
    this.#delayMs = delayMs;
    this.#clock = clock;
    this.#due = due;
  }

  get isOwed(): boolean {
    return this.#owed > 0;
  }

  /** A batch brought numbered records. */
  received(records: number): void {
    if (records === 0) return;
    const now = this.#clock.now();
    if (this.#owed === 0) this.#owedSince = now;
    this.#owed += records;
    // A clock that was set back would delay for as long; the absolute value takes it for a pause.
    const isPaused = Math.abs(now - this.#lastAt) >= this.#delayMs || Math.abs(now - this.#owedSince) >= this.#delayMs;
    if (isPaused || this.#owed >= MANY_RECORDS || this.#timersAreLate) this.#due();
    this.#startTimer(now, this.#delayMs);
  }

  /** An acknowledgement leaves now. */
  sent(): void {
    this.#owed = 0;
    this.#lastAt = this.#clock.now();
  }

  /** The transport is gone: the handshake of the next one carries the count. */
  reset(): void {
    this.#owed = 0;
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }

  /** It runs on when the acknowledgement has left: to start one for every batch would cost more than it tells. */
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
