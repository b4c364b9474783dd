import type { Cancel, Clock } from '../../src/core/clock.js';

interface Timer {
  readonly dueAt: number;
  readonly call: () => void;
}

/** Time under the test's control: nothing passes until the test advances it. */
export class FakeClock implements Clock {
  #now: number;
  /** In the order of their start, which decides among timers due at the same time. */
  readonly #timers = new Set<Timer>();

  constructor(startAt = 1_000_000) {
    this.#now = startAt;
  }

  /** Pending timers. A test that ends well leaves none. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer; undefined without one. */
  get nextDelayMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.dueAt - this.#now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, call: () => void): Cancel {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), call };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Advances time: due timers run in order, and promises settle between them. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.dueAt <= until; next = this.#next()) {
      this.#now = Math.max(this.#now, next.dueAt);
      this.#timers.delete(next);
      next.call();
      await settle();
    }
    this.#now = until;
  }

  /** The machine sleeps, or the wall clock is set: time moves (back, if negative), and no timer runs. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.dueAt < first.dueAt) first = timer;
    }
    return first;
  }
}

/** Resolves when the microtask queue is empty, so every promise chain has advanced as far as it can. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
