import { Queue } from '../core/queue.js';

/** A publish whose permission is not decided yet, or that waits for an earlier one. */
interface Pending {
  isGranted: boolean | undefined;
  readonly start: (isGranted: boolean) => void;
}

/** Starts the publishes of one client in the order in which they arrived, whenever their permissions are decided. */
export class PublishOrder {
  readonly #pending = new Queue<Pending>();

  /** Publishes whose permission is not decided, and those behind them. */
  get length(): number {
    return this.#pending.length;
  }

  /** @returns the function that the decision is passed to. */
  add(start: (isGranted: boolean) => void): (isGranted: boolean) => void {
    const pending: Pending = { isGranted: undefined, start };
    this.#pending.push(pending);
    return (isGranted) => {
      pending.isGranted = isGranted;
      this.#startDecided();
    };
  }

  #startDecided(): void {
    for (let next = this.#pending.peek(); next?.isGranted !== undefined; next = this.#pending.peek()) {
      this.#pending.shift();
      next.start(next.isGranted);
    }
  }
}
