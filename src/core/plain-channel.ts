import type { Channel, ChannelContext, ChannelControl, ChannelSink, Leftover } from './channel.js';
import { redial } from './machine.js';
import type { OutboxBounds } from './options.js';
import { Outbox } from './outbox.js';
import type { Recover } from './state.js';
import type { Transport } from './transport.js';
import type { Continuity, Delivery, Message } from './types.js';

/**
 * How far the buffer of a transport is filled. Messages beyond it stay in the outbox, where a `latest` message can still be
 * replaced. A socket takes 64 KiB at once; more only makes messages older.
 */
export const TRANSPORT_MARK_BYTES = 64 * 1024;

const PLAIN: Continuity = {
  resumed: false,
  replayed: 0,
  lost: undefined,
  reason: 'A plain WebSocket cannot know which messages arrived before the disconnect.',
};

const recover: Recover = (loss, policy, chance) => (loss.goodbye === undefined ? redial(loss, policy, chance) : undefined);

/** A message is a WebSocket message, for any server. */
export class PlainChannel implements Channel {
  readonly recover = recover;
  readonly resumes = false;
  readonly isDone = true;
  readonly holdsPeer = false;
  readonly #sink: ChannelSink;
  readonly #control: ChannelControl;
  readonly #outbox: Outbox;
  #transport: Transport | undefined;

  constructor({ sink, control }: ChannelContext, bounds: OutboxBounds) {
    this.#sink = sink;
    this.#control = control;
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

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number {
    const transport = this.#transport;
    const held = transport?.bufferedBytes ?? 0;
    if (transport !== undefined && held < TRANSPORT_MARK_BYTES && transport.isEnding !== true && this.#outbox.isEmpty) {
      this.#outbox.checkRoom(bytes, held);
      this.#hand(transport, message, bytes);
      return held;
    }
    const waitingBytes = held + this.#outbox.bytes;
    if (delivery === 'volatile') this.#sink.shed();
    else if (this.#outbox.put(message, bytes, delivery, held)) {
      this.#sink.shed();
      this.#sink.drained();
    }
    return waitingBytes;
  }

  attach(transport: Transport): void {
    this.#transport = transport;
    this.#control.ready(PLAIN);
    // A transport that takes everything at once reports no drain.
    this.drained();
  }

  detach(): void {
    this.#transport = undefined;
    this.#sink.drained();
  }

  received(message: Message, bytes: number): void {
    this.#sink.deliver(typeof message === 'string' ? message : owned(message), bytes);
  }

  drained(): void {
    this.#pump(TRANSPORT_MARK_BYTES);
    this.#sink.drained();
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
    for (let transport = this.#transport; takes(transport, markBytes); transport = this.#transport) {
      const queued = this.#outbox.shift();
      if (queued === undefined) return;
      this.#hand(transport, queued.message, queued.bytes);
    }
  }

  #hand(transport: Transport, message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    transport.send(message, bytes);
    this.#sink.sent(bytes);
  }
}

function takes(transport: Transport | undefined, markBytes: number): transport is Transport {
  return transport !== undefined && transport.isEnding !== true && transport.bufferedBytes < markBytes;
}

/** A buffer of its own: a view into a chunk of the socket would keep 64 KiB alive for a few bytes. */
function owned(message: Uint8Array): Uint8Array {
  return message.byteLength === message.buffer.byteLength ? message : message.slice();
}
