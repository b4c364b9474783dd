import { Queue } from '../../core/queue.js';

/** A socket with more data than one turn of the event loop has time for. */
export interface WaitingReader {
  /** Milliseconds that it used of the turn in which it was stopped. */
  readonly spentMs: number;
  /** Continues to read, and returns the milliseconds that it used. */
  serve(): number;
}

/**
 * A socket with less data at once is not stopped: if it used much time, the process was interrupted. So many bytes are 170 frames at
 * most.
 */
const LEAST_BYTES = 1_024;

/**
 * Shares the event loop among the sockets of a server. A socket that takes more than `budgetMs` of a turn waits here, unread. Each
 * later turn continues only as many of them as fit twice the budget, first come, first served, and all other sockets are read in
 * between. The number of waiting sockets therefore delays only the sockets that wait.
 */
export class ReadScheduler {
  readonly budgetMs: number;
  readonly leastBytes: number;
  readonly now: () => number;
  readonly #atNextTurn: (call: () => void) => void;
  readonly #waiting = new Queue<WaitingReader>();
  #number = 0;
  #isMarked = false;

  constructor(
    budgetMs: number,
    leastBytes = LEAST_BYTES,
    now: () => number = () => performance.now(),
    atNextTurn: (call: () => void) => void = (call) => void setImmediate(call),
  ) {
    this.budgetMs = budgetMs;
    this.leastBytes = leastBytes;
    this.now = now;
    this.#atNextTurn = atNextTurn;
  }

  /** Identifies the present turn of the event loop. */
  get number(): number {
    this.#mark();
    return this.#number;
  }

  wait(reader: WaitingReader): void {
    this.#waiting.push(reader);
    this.#mark();
  }

  #mark(): void {
    if (this.#isMarked) return;
    this.#isMarked = true;
    this.#atNextTurn(this.#begin);
  }

  readonly #begin = (): void => {
    this.#isMarked = false;
    this.#number += 1;
    // A resumed reader may use its budget again when its socket is read, so its earlier time is charged to this turn.
    let restMs = 2 * this.budgetMs;
    for (let left = this.#waiting.length; left > 0 && restMs > 0; left--) {
      const reader = this.#waiting.shift() as WaitingReader;
      restMs -= reader.spentMs;
      restMs -= reader.serve();
    }
    if (this.#waiting.length > 0) this.#mark();
  };
}
