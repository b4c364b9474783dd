import { type Deferred, deferred } from './util.js';

/** Waiters of `drained()`: resolved once little enough is buffered for a sender to continue. */
export class Drain {
  readonly #isDrained: () => boolean;
  #waiting: Deferred<void>[] = [];

  constructor(isDrained: () => boolean) {
    this.#isDrained = isDrained;
  }

  wait(): Promise<void> {
    if (this.#isDrained()) return Promise.resolve();
    const waiter = deferred<void>();
    this.#waiting.push(waiter);
    return waiter.promise;
  }

  /** Something was sent. */
  look(): void {
    if (this.#waiting.length > 0 && this.#isDrained()) for (const waiter of this.#take()) waiter.resolve();
  }

  /** Nothing will be sent any more. */
  fail(why: () => unknown): void {
    for (const waiter of this.#take()) waiter.reject(why());
  }

  #take(): Deferred<void>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
