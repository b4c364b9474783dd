import type { ElapsedTime, MemoryClock } from './memory-time.js';

/** Something that expires. It has at most one deadline that counts. */
export interface Expiring {
  /** Its deadline; infinite without one. Belongs to `Deadlines`. */
  deadlineMs: number;
}

interface Deadline {
  readonly dueMs: number;
  readonly item: Expiring;
  readonly call: (nowMs: number) => void;
}

/** Deadlines within this time share one run of the timer: it only frees memory, because every read checks what has expired. */
const COARSE_MS = 1_000;

/** Calls in one run of the timer, some 5 ms: the rest follow in the next turn of the event loop. */
const CALLS_IN_TURN = 2_000;

/** The delay of `setTimeout` has 31 bits: with a longer one it runs at once in every runtime. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Any number of deadlines with one timer, which runs only while there is a deadline: a binary heap, the earliest first. */
export class Deadlines {
  readonly #clock: MemoryClock;
  readonly #time: ElapsedTime;
  readonly #heap: Deadline[] = [];
  #cancel: (() => void) | undefined;
  #isStarted = false;

  constructor(clock: MemoryClock, time: ElapsedTime) {
    this.#clock = clock;
    this.#time = time;
  }

  /** Calls at the first run after that time. Does nothing if the item has an earlier deadline. */
  set(item: Expiring, dueMs: number, call: (nowMs: number) => void): void {
    if (dueMs >= item.deadlineMs) return;
    item.deadlineMs = dueMs;
    this.#add({ dueMs, item, call });
    if (this.#heap[0]?.item === item) this.#restart();
  }

  start(): void {
    this.#isStarted = true;
    this.#restart();
  }

  /** Stops the timer, and keeps the deadlines. */
  stop(): void {
    this.#isStarted = false;
    this.#restart();
  }

  /** Makes the calls that are due. */
  run(maxCalls = Number.POSITIVE_INFINITY): void {
    const nowMs = this.#time.now();
    for (let calls = 0; calls < maxCalls; calls += 1) {
      const first = this.#heap[0];
      if (first === undefined || first.dueMs > nowMs) return;
      this.#removeFirst();
      if (first.item.deadlineMs !== first.dueMs) continue;
      first.item.deadlineMs = Number.POSITIVE_INFINITY;
      first.call(nowMs);
    }
  }

  #restart(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const first = this.#heap[0];
    if (!this.#isStarted || first === undefined) return;
    const leftMs = first.dueMs - this.#time.now();
    const delayMs = leftMs <= 0 ? 0 : Math.min(Math.max(leftMs, COARSE_MS), MAX_TIMER_MS);
    this.#cancel = this.#clock.after(delayMs, () => {
      this.run(CALLS_IN_TURN);
      this.#restart();
    });
  }

  #add(deadline: Deadline): void {
    const heap = this.#heap;
    let index = heap.push(deadline) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Deadline;
      if (parent.dueMs <= deadline.dueMs) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = deadline;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const moved = heap.pop() as Deadline;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      const childIndex = this.#earlier(2 * index + 1, 2 * index + 2);
      const child = heap[childIndex];
      if (child === undefined || child.dueMs >= moved.dueMs) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = moved;
  }

  #earlier(left: number, right: number): number {
    const dueMs = (index: number) => this.#heap[index]?.dueMs ?? Number.POSITIVE_INFINITY;
    return dueMs(right) < dueMs(left) ? right : left;
  }
}
