import type { Message } from '../../core/types.js';
import { PackedQueue } from './packed-queue.js';
import type { ReadScheduler, WaitingReader } from './read-scheduler.js';

/** The clock is read after so many messages: to read it for each would cost as much as an empty message. */
const MESSAGES_A_CHECK = 16;

/** Cuts a message into parts that may be read in different turns; undefined: it is small enough to be read at once. */
export type Split = (message: Uint8Array) => Iterator<Uint8Array> | undefined;

export interface BudgetedReaderEvents {
  received(message: Message, bytes: number): void;
  pauseSocket(): void;
  resumeSocket(): void;
}

/**
 * Reads one accepted socket within its budget of each turn. Beyond the budget the socket is paused, and the messages
 * that ws parses from the bytes already read wait here, in order, until a later turn.
 */
export class BudgetedReader implements WaitingReader {
  readonly #scheduler: ReadScheduler;
  readonly #split: Split | undefined;
  readonly #events: BudgetedReaderEvents;
  #waiting: PackedQueue | undefined;
  /** The rest of the message that is being read. */
  #parts: Iterator<Uint8Array> | undefined;
  #closed: (() => void) | undefined;
  #turn = -1;
  #startedAt = 0;
  #spentMs = 0;
  /** Bytes that the socket delivered in the present turn, as far as they were counted: many small reads are as many as a large one. */
  #bytes = 0;
  #unchecked = 0;
  #state: 'reading' | 'waiting' | 'held' | 'over' = 'reading';

  constructor(scheduler: ReadScheduler, split: Split | undefined, events: BudgetedReaderEvents) {
    this.#scheduler = scheduler;
    this.#split = split;
    this.#events = events;
  }

  get spentMs(): number {
    return this.#spentMs;
  }

  /** The socket has delivered bytes, which ws parses next. */
  readonly began = ({ length }: { readonly length: number }): void => {
    this.#bytes += length;
    if (this.#isLittle) return;
    const { number } = this.#scheduler;
    if (this.#turn !== number) {
      this.#turn = number;
      this.#spentMs = 0;
      // The bytes before these may have come in earlier turns.
      this.#bytes = length;
      if (this.#isLittle) return;
    }
    this.#startedAt = this.#scheduler.now();
  };

  /** ws has parsed the bytes. */
  readonly ended = (): void => {
    if (this.#isLittle) return;
    this.#spend();
    if (this.#state === 'reading' && this.#spentMs >= this.#scheduler.budgetMs) this.#wait();
  };

  received(message: Message, bytes: number): void {
    if (this.#state === 'reading') this.#read(message, bytes);
    else if (this.#state !== 'over') {
      this.#waiting ??= new PackedQueue();
      this.#waiting.push({ message, bytes });
    }
  }

  /** The socket is closed. `tell` is called after the last message. */
  closed(tell: () => void): void {
    this.#closed = tell;
    if (this.#state === 'held') this.release();
    if (this.#state === 'reading') this.#tellClosed();
  }

  /** The owner reads nothing until `release`. */
  hold(): void {
    if (this.#state === 'over' || this.#closed !== undefined) return;
    this.#state = 'held';
    this.#events.pauseSocket();
  }

  release(): void {
    if (this.#state !== 'held') return;
    if (this.#isEmpty) this.#resume();
    else this.#wait();
  }

  /** The owner reads nothing more. */
  stop(): void {
    this.#state = 'over';
    this.#parts = undefined;
    this.#waiting = undefined;
  }

  serve(): number {
    if (this.#state !== 'waiting') return 0;
    this.#turn = this.#scheduler.number;
    this.#startedAt = this.#scheduler.now();
    this.#spentMs = 0;
    this.#state = 'reading';
    this.#readWaiting();
    this.#spend();
    if (this.#state === 'reading') this.#resume();
    return this.#spentMs;
  }

  get #isEmpty(): boolean {
    return this.#parts === undefined && !this.#waiting?.length;
  }

  #resume(): void {
    this.#state = 'reading';
    if (this.#closed === undefined) this.#events.resumeSocket();
    else this.#tellClosed();
  }

  #tellClosed(): void {
    this.#state = 'over';
    this.#closed?.();
  }

  #wait(): void {
    this.#state = 'waiting';
    this.#events.pauseSocket();
    this.#scheduler.wait(this);
  }

  #readWaiting(): void {
    this.#readParts();
    while (this.#state === 'reading') {
      const next = this.#waiting?.shift();
      if (next === undefined) return;
      this.#read(next.message, next.bytes);
    }
  }

  #read(message: Message, bytes: number): void {
    const parts = typeof message === 'string' ? undefined : this.#split?.(message);
    if (parts === undefined) {
      this.#events.received(message, bytes);
      this.#unchecked += 1;
      if (this.#unchecked >= MESSAGES_A_CHECK) this.#check();
    } else {
      this.#parts = parts;
      this.#readParts();
    }
  }

  #readParts(): void {
    while (this.#state === 'reading' && this.#parts !== undefined) {
      const { done, value } = this.#parts.next();
      if (done) this.#parts = undefined;
      else {
        this.#events.received(value, value.byteLength);
        this.#check();
      }
    }
  }

  /** The owner may have stopped or held this meanwhile. */
  #check(): void {
    this.#unchecked = 0;
    if (this.#state !== 'reading' || this.#isLittle) return;
    if (this.#spentMs + this.#scheduler.now() - this.#startedAt >= this.#scheduler.budgetMs) this.#wait();
  }

  /** A request and its answer cost nothing for the budget: no look at the clock, and no callback at the end of the turn. */
  get #isLittle(): boolean {
    return this.#bytes < this.#scheduler.leastBytes;
  }

  #spend(): void {
    const now = this.#scheduler.now();
    this.#spentMs += now - this.#startedAt;
    this.#startedAt = now;
  }
}
