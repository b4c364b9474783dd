import type { Leftover } from './channel.js';
import { makeError } from './errors.js';
import type { OutboxBounds } from './options.js';
import { Queue } from './queue.js';
import type { Delivery } from './types.js';

export interface QueuedMessage {
  message: string | Uint8Array<ArrayBuffer>;
  bytes: number;
  readonly key: string | undefined;
}

/** Memory that a queued message takes beside its bytes (Node 20: 56 and 250), so that a bound in bytes also bounds many tiny ones. */
const TEXT_COST = 64;
const BINARY_COST = 256;

/** This much of it is not counted, so that a short queue is counted by its bytes alone. */
const FREE_COST = 65_536;

/** The queue of messages to send, in order and bounded. A `latest` message replaces the queued one with its key. */
export class Outbox {
  readonly #bounds: OutboxBounds;
  readonly #queue = new Queue<QueuedMessage>();
  #latest: Map<string, QueuedMessage> | undefined;
  /** Memory that the queued messages take. */
  heldBytes = 0;
  #cost = 0;

  constructor(bounds: OutboxBounds) {
    this.#bounds = bounds;
  }

  /** Bytes of the queued messages; of many, the memory that they take. */
  get bytes(): number {
    return this.heldBytes - Math.min(this.#cost, FREE_COST);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /**
   * @param elsewhere bytes buffered outside this queue, which count against the bound.
   * @throws {WebsocketError} `OUTBOX_FULL`
   */
  checkRoom(bytes: number, elsewhere: number): void {
    const buffered = this.bytes + elsewhere;
    const limit = this.#bounds.maxBytes;
    if (buffered + bytes > limit) throw makeError('OUTBOX_FULL', { buffered, size: bytes, limit });
  }

  /**
   * Queues the message, in place of the queued one with its key.
   *
   * @returns whether one was replaced.
   * @throws {WebsocketError} `OUTBOX_FULL`
   */
  put(message: QueuedMessage['message'], bytes: number, delivery: Delivery, elsewhere: number): boolean {
    const older = this.replaceable(delivery);
    this.checkRoom(bytes - (older?.bytes ?? 0), elsewhere);
    if (older === undefined) this.push(message, bytes, delivery);
    else this.replace(older, message, bytes);
    return older !== undefined;
  }

  push(message: QueuedMessage['message'], bytes: number, delivery: Delivery): void {
    const key = typeof delivery === 'object' ? delivery.latest : undefined;
    const queued: QueuedMessage = { message, bytes, key };
    this.#queue.push(queued);
    this.#count(queued, 1);
    if (key === undefined) return;
    this.#latest ??= new Map();
    this.#latest.set(key, queued);
  }

  /** The queued message that a new one with this delivery replaces. */
  replaceable(delivery: Delivery): QueuedMessage | undefined {
    return typeof delivery === 'object' ? this.#latest?.get(delivery.latest) : undefined;
  }

  replace(queued: QueuedMessage, message: QueuedMessage['message'], bytes: number): void {
    this.#count(queued, -1);
    queued.message = message;
    queued.bytes = bytes;
    this.#count(queued, 1);
  }

  /** The next one; `replace` may still change it. */
  peek(): QueuedMessage | undefined {
    return this.#queue.peek();
  }

  shift(): QueuedMessage | undefined {
    const queued = this.#queue.shift();
    if (queued === undefined) return undefined;
    this.#count(queued, -1);
    if (queued.key !== undefined) this.#latest?.delete(queued.key);
    return queued;
  }

  /** Empties the queue and counts its messages. */
  clear(): Leftover {
    const leftover = { messages: this.#queue.length, bytes: this.heldBytes - this.#cost };
    this.#queue.clear();
    this.#latest = undefined;
    this.heldBytes = this.#cost = 0;
    return leftover;
  }

  #count({ message, bytes }: QueuedMessage, sign: number): void {
    const cost = typeof message === 'string' ? TEXT_COST : BINARY_COST;
    this.heldBytes += sign * (bytes + cost);
    this.#cost += sign * cost;
  }
}
