import type { Cancel, Clock } from '../../../src/core/clock.js';

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  /** The wall clock may be set; timers go by what has passed. */
  #skew = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now + this.#skew;
  }

  after(delayMs: number, call: () => void): Cancel {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), call };
    if (Number.isFinite(delayMs)) this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Runs every timer that is due, in order. */
  pass(ms: number, afterEach: () => void = () => {}): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      afterEach();
    }
    this.#now = until;
  }

  /** Milliseconds until the next timer; undefined without one. */
  get nextDelayMs(): number | undefined {
    const next = this.#next(Number.POSITIVE_INFINITY);
    return next === undefined ? undefined : Math.max(0, next.at - this.#now);
  }

  /** The machine slept, or somebody set the clock: no timer ran meanwhile. */
  jump(ms: number): void {
    this.#skew += ms;
  }

  /** Time passes while no timer can run; those that are due run late. */
  throttle(ms: number): void {
    this.#now += ms;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer;
    return first;
  }
}
