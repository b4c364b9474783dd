import { type Deferred, deferred } from './deferred.js';

/** Those who wait until so little is buffered that a sender should go on. */
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

  /** Something has left. */
  look(): void {
    if (this.#waiting.length > 0 && this.#isDrained()) for (const waiter of this.#take()) waiter.resolve();
  }

  /** Nothing will leave any more. */
  fail(why: () => unknown): void {
    for (const waiter of this.#take()) waiter.reject(why());
  }

  #take(): Deferred<void>[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
