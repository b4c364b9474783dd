import { makeError, type WebsocketError } from './errors.js';
import type { InboxBounds } from './options.js';
import { Queue } from './queue.js';
import type { CloseInfo, Message, MessageIterator, Received } from './types.js';

/** The source of an inbox's messages. */
export interface InboxSource {
  /** The bounds are exceeded: no more until `resume`. */
  pause(): void;
  resume(): void;
  /** The application has read this many bytes. */
  consumed(bytes: number): void;
}

/** A pending `next()` of an iterator. */
interface Waiter {
  readonly iterator: MessageIterator;
  readonly resolve: (result: IteratorResult<Message, CloseInfo | undefined>) => void;
  readonly reject: (error: WebsocketError) => void;
}

export interface Arrival {
  readonly message: Message;
  readonly bytes: number;
}

/** First in, first out. A platform may keep many small messages in less memory than a `Queue` does. */
export interface ArrivalQueue {
  readonly length: number;
  push(arrival: Arrival): void;
  shift(): Arrival | undefined;
}

/**
 * One queue for all readers: a handler, getMessage(), iteration, streams. Without a handler messages stay in the queue;
 * a handler, once attached, gets all messages, the queued ones first. The end follows the last message; a poll returns it once.
 */
export class Inbox {
  readonly #bounds: InboxBounds;
  readonly #source: InboxSource;
  #onFinished: (() => void) | undefined;
  readonly #queue: ArrivalQueue;
  readonly #waiters = new Set<Waiter>();
  #handler: ((message: Message) => void) | undefined;
  #bytes = 0;
  #isFull = false;
  #isPumping = false;
  #end: CloseInfo | undefined;
  #tellEnd: (() => void) | undefined;
  #endIsPolled = false;

  /** @param onFinished called once the last reader has seen the end: nothing more will be read. */
  constructor(bounds: InboxBounds, source: InboxSource, onFinished: () => void, queue: ArrivalQueue = new Queue<Arrival>()) {
    this.#bounds = bounds;
    this.#source = source;
    this.#onFinished = onFinished;
    this.#queue = queue;
  }

  push(message: Message, bytes: number): void {
    if (this.#queue.length === 0 && !this.#isPumping) {
      if (this.#handler !== undefined) {
        this.#source.consumed(bytes);
        this.#handler(message);
        return;
      }
      for (const waiter of this.#waiters) {
        this.#waiters.delete(waiter);
        this.#source.consumed(bytes);
        waiter.resolve({ done: false, value: message });
        return;
      }
    }
    this.#queue.push({ message, bytes });
    this.#bytes += bytes;
    if (!this.#isFull && (this.#bytes > this.#bounds.maxBytes || this.#queue.length > this.#bounds.maxMessages)) {
      this.#isFull = true;
      this.#source.pause();
    }
  }

  /** No message comes after this; queued ones can still be read. `tell` is called once a handler has received those. */
  end(info: CloseInfo, tell: () => void): void {
    this.#end = info;
    this.#tellEnd = tell;
    if (!this.#isPumping && (this.#handler === undefined || this.#queue.length === 0)) this.#ended(info);
  }

  getMessage(): Received | undefined {
    const entry = this.#take();
    if (entry !== undefined) return { message: entry.message };
    if (this.#end === undefined || this.#endIsPolled) return undefined;
    this.#endIsPolled = true;
    this.#finish();
    const { code: closeCode, reason, wasClean } = this.#end;
    return { closeCode, reason, wasClean };
  }

  /** All iterators read the same queue, so two loops share its messages. While a handler is attached, `next()` rejects. */
  iterate(): MessageIterator {
    let isOver = false;
    const iterator: MessageIterator = {
      next: () =>
        new Promise((resolve, reject) => {
          const end = this.#end;
          if (isOver) return resolve({ done: true, value: end });
          if (this.#handler !== undefined && end === undefined) return reject(makeError('HAS_HANDLER'));
          const entry = this.#take();
          if (entry !== undefined) return resolve({ done: false, value: entry.message });
          if (end === undefined) return void this.#waiters.add({ iterator, resolve, reject });
          this.#finish();
          resolve({ done: true, value: end });
        }),
      return: () => {
        isOver = true;
        this.#endWaiters(undefined, iterator);
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Delivery starts in the next microtask, so `on()` has returned before the first message. */
  setHandler(handler: ((message: Message) => void) | undefined): void {
    this.#handler = handler;
    if (handler !== undefined) queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumping = true;
    while (this.#handler !== undefined) {
      const entry = this.#take();
      if (entry === undefined) break;
      this.#handler(entry.message);
    }
    this.#isPumping = false;
    if (this.#end !== undefined) this.#ended(this.#end);
    else if (this.#handler !== undefined) {
      for (const { reject } of this.#waiters) reject(makeError('HAS_HANDLER'));
      this.#waiters.clear();
    }
  }

  #ended(info: CloseInfo): void {
    this.#tellEnd?.();
    this.#tellEnd = undefined;
    if (this.#queue.length > 0) return;
    if (this.#waiters.size > 0 || this.#handler !== undefined) this.#finish();
    this.#endWaiters(info);
  }

  /** @param of the iterator whose waiters end; undefined: all. */
  #endWaiters(value: CloseInfo | undefined, of?: MessageIterator): void {
    for (const waiter of this.#waiters) {
      if (of !== undefined && waiter.iterator !== of) continue;
      this.#waiters.delete(waiter);
      waiter.resolve({ done: true, value });
    }
  }

  #take(): Arrival | undefined {
    const entry = this.#queue.shift();
    if (entry === undefined) return undefined;
    this.#bytes -= entry.bytes;
    this.#source.consumed(entry.bytes);
    if (this.#isFull && this.#bytes * 2 <= this.#bounds.maxBytes && this.#queue.length * 2 <= this.#bounds.maxMessages) {
      this.#isFull = false;
      this.#source.resume();
    }
    return entry;
  }

  #finish(): void {
    this.#onFinished?.();
    this.#onFinished = undefined;
  }
}
