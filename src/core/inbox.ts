import { makeError, type WebsocketError } from './errors.js';
import type { InboxBounds } from './options.js';
import { Queue } from './queue.js';
import type { CloseInfo, Message, MessageIterator, Received } from './types.js';

/** The source of an inbox's messages. */
export interface InboxSource<M = Message> {
  /** The bounds are exceeded: no more until `resume`. */
  pause(): void;
  resume(): void;
  /** The application has read a message of this many bytes. */
  consumed(bytes: number, message: M): void;
}

/** A pending `next()` of an iterator. */
interface Waiter<M> {
  readonly iterator: MessageIterator<M>;
  readonly resolve: (result: IteratorResult<M, CloseInfo | undefined>) => void;
  readonly reject: (error: WebsocketError) => void;
}

export interface Arrival<M = Message> {
  readonly message: M;
  readonly bytes: number;
}

/** First in, first out. A platform may keep many small messages in less memory than a `Queue` does. */
export interface ArrivalQueue<M = Message> {
  readonly length: number;
  push(arrival: Arrival<M>): void;
  shift(): Arrival<M> | undefined;
}

/**
 * One queue for all readers: a handler, getMessage(), iteration, streams. Without a handler messages stay in the queue;
 * a handler, once attached, gets all messages, the queued ones first. The end follows the last message; a poll returns it once.
 */
export class Inbox<M = Message> {
  readonly #bounds: InboxBounds;
  readonly #source: InboxSource<M>;
  #onFinished: (() => void) | undefined;
  readonly #queue: ArrivalQueue<M>;
  readonly #waiters = new Set<Waiter<M>>();
  #handler: ((message: M) => void) | undefined;
  #bytes = 0;
  #isFull = false;
  #isPumping = false;
  #end: CloseInfo | undefined;
  #tellEnd: (() => void) | undefined;
  #endIsPolled = false;

  /** @param onFinished called once the last reader has seen the end: nothing more will be read. */
  constructor(bounds: InboxBounds, source: InboxSource<M>, onFinished: () => void, queue: ArrivalQueue<M> = new Queue<Arrival<M>>()) {
    this.#bounds = bounds;
    this.#source = source;
    this.#onFinished = onFinished;
    this.#queue = queue;
  }

  push(message: M, bytes: number): void {
    if (this.#queue.length === 0 && !this.#isPumping) {
      if (this.#handler !== undefined) {
        this.#source.consumed(bytes, message);
        this.#handler(message);
        return;
      }
      for (const waiter of this.#waiters) {
        this.#waiters.delete(waiter);
        this.#source.consumed(bytes, message);
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

  getMessage(): { readonly message: M } | Extract<Received, { readonly closeCode: number }> | undefined {
    const entry = this.take();
    if (entry !== undefined) return { message: entry.message };
    if (this.#end === undefined || this.#endIsPolled) return undefined;
    this.#endIsPolled = true;
    this.#finish();
    const { code: closeCode, reason, wasClean } = this.#end;
    return { closeCode, reason, wasClean };
  }

  /** All iterators read the same queue, so two loops share its messages. While a handler is attached, `next()` rejects. */
  iterate(): MessageIterator<M> {
    let isOver = false;
    const iterator: MessageIterator<M> = {
      next: () =>
        new Promise((resolve, reject) => {
          const end = this.#end;
          if (isOver) return resolve({ done: true, value: end });
          if (this.#handler !== undefined && end === undefined) return reject(makeError('HAS_HANDLER'));
          const entry = this.take();
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
  setHandler(handler: ((message: M) => void) | undefined): void {
    this.#handler = handler;
    if (handler !== undefined) queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumping = true;
    while (this.#handler !== undefined) {
      const entry = this.take();
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
  #endWaiters(value: CloseInfo | undefined, of?: MessageIterator<M>): void {
    for (const waiter of this.#waiters) {
      if (of !== undefined && waiter.iterator !== of) continue;
      this.#waiters.delete(waiter);
      waiter.resolve({ done: true, value });
    }
  }

  /** Drops the unread messages. */
  clear(): void {
    while (this.#queue.shift() !== undefined);
    this.#bytes = 0;
  }

  /** The oldest message, which is read with this. */
  take(): Arrival<M> | undefined {
    const entry = this.#queue.shift();
    if (entry === undefined) return undefined;
    this.#bytes -= entry.bytes;
    this.#source.consumed(entry.bytes, entry.message);
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
