import type { Leftover, Link, LinkHost } from './link.js';
import type { OutboxBounds } from './options.js';
import { Outbox } from './outbox.js';
import type { Continuity, Delivery, Message } from './types.js';
import type { Wire } from './wire.js';

/**
 * How far a wire's own buffer is filled. What waits beyond it stays with us, where a `latest` message can still be
 * replaced. 64 KiB is what a socket takes in one go; more only makes messages older.
 */
export const WIRE_MARK_BYTES = 64 * 1024;

const PLAIN: Continuity = {
  resumed: false,
  replayed: 0,
  lost: undefined,
  reason: 'A plain WebSocket cannot know which messages arrived before the break.',
};

/** A message is a WebSocket message, for any server. */
export class PlainLink implements Link {
  readonly resumes = false;
  readonly holdsPeer = false;
  readonly #host: LinkHost;
  readonly #outbox: Outbox;
  #wire: Wire | undefined;

  constructor(host: LinkHost, bounds: OutboxBounds) {
    this.#host = host;
    this.#outbox = new Outbox(bounds);
  }

  get bufferedBytes(): number {
    return this.#outbox.bytes + (this.#wire?.bufferedBytes ?? 0);
  }

  offer(protocols: readonly string[]): readonly string[] {
    return protocols;
  }

  protocolOf(wire: Wire): string {
    return wire.protocol;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void {
    const wire = this.#wire;
    const wireBytes = wire?.bufferedBytes ?? 0;
    const canLeave = takes(wire, WIRE_MARK_BYTES) && this.#outbox.isEmpty;
    if (delivery === 'volatile' && !canLeave) {
      this.#host.shed();
      return;
    }
    const older = this.#outbox.replaceable(delivery);
    this.#outbox.checkRoom(bytes - (older?.bytes ?? 0), wireBytes);
    if (older !== undefined) {
      const isShorter = bytes < older.bytes;
      this.#outbox.replace(older, message, bytes);
      this.#host.shed();
      if (isShorter) this.#host.drained();
    } else if (canLeave) this.#hand(wire, message, bytes);
    else this.#outbox.push(message, bytes, delivery);
  }

  attach(wire: Wire): void {
    this.#wire = wire;
    this.#host.ready(PLAIN);
    // A wire that takes all at once has no drain of its own to tell.
    this.drained();
  }

  detach(): void {
    this.#wire = undefined;
    this.#host.drained();
  }

  received(message: Message, bytes: number): void {
    this.#host.deliver(typeof message === 'string' ? message : owned(message), bytes);
  }

  drained(): void {
    this.#pump(WIRE_MARK_BYTES);
    this.#host.drained();
  }

  consumed(): void {}

  close(code: number, reason: string): void {
    this.#pump(Number.POSITIVE_INFINITY);
    this.#wire?.close(code, reason);
  }

  end(): Leftover {
    this.#wire = undefined;
    return this.#outbox.clear();
  }

  #pump(markBytes: number): void {
    while (takes(this.#wire, markBytes)) {
      const parcel = this.#outbox.shift();
      if (parcel === undefined) return;
      this.#hand(this.#wire, parcel.message, parcel.bytes);
    }
  }

  #hand(wire: Wire, message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    wire.send(message);
    this.#host.sent(bytes);
  }
}

function takes(wire: Wire | undefined, markBytes: number): wire is Wire {
  return wire !== undefined && wire.isEnding !== true && wire.bufferedBytes < markBytes;
}

/** A buffer of its own: a view into what the socket delivered would keep 64 KiB alive for a few bytes. */
function owned(message: Uint8Array): Uint8Array {
  return message.byteLength === message.buffer.byteLength ? message : message.slice();
}
