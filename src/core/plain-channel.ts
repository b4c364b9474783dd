import type { Channel, ChannelEvents, Leftover } from './channel.js';
import type { OutboxBounds } from './options.js';
import { Outbox } from './outbox.js';
import type { Transport } from './transport.js';
import type { Continuity, Delivery, Message } from './types.js';

/**
 * How far a transport's own buffer is filled. What waits beyond it stays with us, where a `latest` message can still be
 * replaced. 64 KiB is what a socket takes in one go; more only makes messages older.
 */
export const TRANSPORT_MARK_BYTES = 64 * 1024;

const PLAIN: Continuity = {
  resumed: false,
  replayed: 0,
  lost: undefined,
  reason: 'A plain WebSocket cannot know which messages arrived before the break.',
};

/** A message is a WebSocket message, for any server. */
export class PlainChannel implements Channel {
  readonly resumes = false;
  readonly holdsPeer = false;
  readonly #events: ChannelEvents;
  readonly #outbox: Outbox;
  #transport: Transport | undefined;

  constructor(events: ChannelEvents, bounds: OutboxBounds) {
    this.#events = events;
    this.#outbox = new Outbox(bounds);
  }

  get bufferedBytes(): number {
    return this.#outbox.bytes + (this.#transport?.bufferedBytes ?? 0);
  }

  offer(protocols: readonly string[]): readonly string[] {
    return protocols;
  }

  protocolOf(transport: Transport): string {
    return transport.protocol;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void {
    const transport = this.#transport;
    const transportBytes = transport?.bufferedBytes ?? 0;
    const canLeave = takes(transport, TRANSPORT_MARK_BYTES) && this.#outbox.isEmpty;
    if (delivery === 'volatile' && !canLeave) {
      this.#events.shed();
      return;
    }
    const older = this.#outbox.replaceable(delivery);
    this.#outbox.checkRoom(bytes - (older?.bytes ?? 0), transportBytes);
    if (older !== undefined) {
      const isShorter = bytes < older.bytes;
      this.#outbox.replace(older, message, bytes);
      this.#events.shed();
      if (isShorter) this.#events.drained();
    } else if (canLeave) this.#hand(transport, message, bytes);
    else this.#outbox.push(message, bytes, delivery);
  }

  attach(transport: Transport): void {
    this.#transport = transport;
    this.#events.ready(PLAIN);
    // A transport that takes all at once has no drain of its own to tell.
    this.drained();
  }

  detach(): void {
    this.#transport = undefined;
    this.#events.drained();
  }

  received(message: Message, bytes: number): void {
    this.#events.deliver(typeof message === 'string' ? message : owned(message), bytes);
  }

  drained(): void {
    this.#pump(TRANSPORT_MARK_BYTES);
    this.#events.drained();
  }

  consumed(): void {}

  close(code: number, reason: string): void {
    this.#pump(Number.POSITIVE_INFINITY);
    this.#transport?.close(code, reason);
  }

  end(): Leftover {
    this.#transport = undefined;
    return this.#outbox.clear();
  }

  #pump(markBytes: number): void {
    while (takes(this.#transport, markBytes)) {
      const queued = this.#outbox.shift();
      if (queued === undefined) return;
      this.#hand(this.#transport, queued.message, queued.bytes);
    }
  }

  #hand(transport: Transport, message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    transport.send(message);
    this.#events.sent(bytes);
  }
}

function takes(transport: Transport | undefined, markBytes: number): transport is Transport {
  return transport !== undefined && transport.isEnding !== true && transport.bufferedBytes < markBytes;
}

/** A buffer of its own: a view into what the socket delivered would keep 64 KiB alive for a few bytes. */
function owned(message: Uint8Array): Uint8Array {
  return message.byteLength === message.buffer.byteLength ? message : message.slice();
}
