import type { ChannelSink, Leftover } from '../core/channel.js';
import * as CloseCode from '../core/close-codes.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { OutboxBounds } from '../core/options.js';
import { Outbox } from '../core/outbox.js';
import type { Transport } from '../core/transport.js';
import type { Delivery, Message } from '../core/types.js';
import { Batcher } from './batcher.js';
import { encodeGoodbye, isNumbered, MAX_BODY_BYTES } from './codec.js';
import { costOf, SendCredit } from './credit.js';
import { Fragmenter } from './fragments.js';
import * as Kind from './record-kind.js';
import { RetransmitBuffer } from './retransmit-buffer.js';
import type { SharedRecord, SharedRecords } from './shared-records.js';

/**
 * Where the transport can be flushed before the turn ends, the first batch is sent at this size, so that the peer reads it while
 * this side still writes. Once in a turn, because each batch costs a browser time. Echoes with 100 in flight are 1.5 times as fast.
 */
const FIRST_BATCH_BYTES = 3_072;

/**
 * Within one turn the buffer of a transport is filled to this many marks before messages wait in the outbox. A browser's buffer
 * can be polled only every 4 ms: with one mark it would send at most 16 MB/s, with four it is as fast as without a mark.
 */
const BURST_MARKS = 4;

export interface OutgoingBounds {
  readonly outbox: OutboxBounds;
  /** Bytes in flight, which are sent and not acknowledged, with the cost of their entries. */
  readonly replayBytes: number;
  /** Larger messages are fragmented. */
  readonly chunkBytes: number;
  /** Bytes to which the buffer of a transport is filled. */
  readonly transportMarkBytes: number;
  /** The broadcasts of a server. */
  readonly shared?: SharedRecords | undefined;
}

export interface OutgoingEvents {
  /** An accepted message exceeds the limit that the peer announced. The message stays here, and `end` counts it. */
  refused(error: WebsocketError): void;
  /** The open batch has a new record, which is sent at the end of the turn. */
  wrote(): void;
  /** Lets the extensions write one record each. False if they wrote none. */
  pump(): boolean;
  /** Whether the extensions have no record that must be sent before END. */
  areIdle(): boolean;
}

/**
 * The sending half of a session. A message is written to the open batch at once if no earlier message waits and if the buffer of the
 * transport, the credit and the retransmit buffer have room for it. Otherwise it waits in the outbox, in order.
 */
export class Outgoing {
  readonly batcher = new Batcher();
  readonly credit = new SendCredit();
  readonly #retransmitBuffer: RetransmitBuffer;
  readonly #outbox: Outbox;
  readonly #bounds: OutgoingBounds;
  readonly #sink: ChannelSink;
  readonly #events: OutgoingEvents;
  #transport: Transport | undefined;
  #big: Fragmenter | undefined;
  #goodbye: Uint8Array | undefined;
  #endIsWritten = false;
  messagesSent = 0;
  #hasCut = false;
  /** Bytes in the buffer of the transport at the last look. */
  #transportBytes = 0;
  peerMaxMessageBytes = MAX_BODY_BYTES;

  constructor(bounds: OutgoingBounds, sink: ChannelSink, events: OutgoingEvents) {
    this.#bounds = { ...bounds, chunkBytes: Math.min(bounds.chunkBytes, MAX_BODY_BYTES) };
    this.#retransmitBuffer = new RetransmitBuffer(
      sink.acknowledged === undefined ? undefined : (messages) => sink.acknowledged?.(messages),
    );
    this.#outbox = new Outbox(bounds.outbox);
    this.#sink = sink;
    this.#events = events;
  }

  get maxBytes(): number {
    return this.#bounds.outbox.maxBytes;
  }

  /** Bytes accepted and not yet handed to the network. */
  get bufferedBytes(): number {
    return this.#waitingBytes + this.batcher.bytes + (this.#transport?.bufferedBytes ?? 0);
  }

  /** Memory of all messages that are not acknowledged. */
  get heldBytes(): number {
    return this.#outbox.heldBytes + (this.#big?.bytes.length ?? 0) + this.batcher.bytes + this.#retransmitBuffer.heldBytes;
  }

  /** Whether the peer has acknowledged a record. */
  get hasArrived(): boolean {
    return this.#retransmitBuffer.acknowledged > 0;
  }

  /** Whether END and everything before it is acknowledged. */
  get isOver(): boolean {
    return this.#endIsWritten && this.#retransmitBuffer.acknowledged === this.#retransmitBuffer.sent && this.batcher.numbered === 0;
  }

  /** Whether every accepted message has its number. */
  get isIdle(): boolean {
    return this.#outbox.isEmpty && this.#big === undefined;
  }

  /** Returns the bytes that waited before the message, as far as they are known; infinity where the message is refused. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number {
    const openBytes = this.batcher.bytes;
    const mayWrite = this.isIdle && bytes <= this.#bounds.chunkBytes && openBytes + bytes <= this.#bounds.outbox.maxBytes;
    if (mayWrite && this.#mayWrite(bytes, costOf(Kind.text, bytes))) {
      this.#write(message, bytes, delivery === 'volatile');
      return openBytes + this.#transportBytes;
    }
    const waitingBytes = this.bufferedBytes;
    this.#enqueue(message, bytes, delivery, waitingBytes);
    // Only a refused message ends the session here: after `close` nothing is sent.
    return this.#endIsWritten ? Number.POSITIVE_INFINITY : waitingBytes;
  }

  /** The handshake is done. `reset` or `rewind` has been called before. */
  open(transport: Transport): void {
    this.#transport = transport;
  }

  /** The transport is gone. The records of the open batch have their numbers and are retransmitted with the others. */
  detach(): void {
    this.#transport = undefined;
    this.#retransmitBuffer.keep(this.batcher.take());
    this.#retransmitBuffer.rest();
    this.batcher.rest();
  }

  /** Takes the peer's count; false if the count is invalid. */
  acknowledge(count: number): boolean {
    if (!this.#retransmitBuffer.acknowledge(count)) return false;
    if (this.#retransmitBuffer.isEmpty) this.batcher.rest();
    return true;
  }

  /** Retransmits everything that is not acknowledged. Returns the number of those messages. */
  rewind(): number {
    return this.#retransmitBuffer.rewind();
  }

  /** Begins a new session. Returns the messages of the old one that are not acknowledged; messages without a number stay. */
  reset(limit: number, peerMaxMessageBytes: number): Message[] {
    this.peerMaxMessageBytes = peerMaxMessageBytes;
    const undelivered = this.#retransmitBuffer.clear();
    this.credit.reset(limit);
    this.messagesSent = 0;
    this.#endIsWritten = false;
    if (this.#big?.isMessage) this.#big.restart();
    else this.#big = undefined;
    return undelivered;
  }

  /** Sends END after all accepted messages. */
  finish(goodbye: Uint8Array): void {
    this.#goodbye ??= goodbye;
  }

  /** Retransmits, then writes messages of the outbox, as far as there is room. */
  pump(): void {
    while (this.#retransmitBuffer.isReplaying && this.#transportHasRoom())
      this.#transport?.send(this.#retransmitBuffer.next() as Uint8Array<ArrayBuffer>);
    if (this.#transport === undefined || this.#retransmitBuffer.isReplaying) return;
    while (this.#big !== undefined ? this.#writePart(this.#big) : this.#writeOneOfEach());
    const goodbye = this.#goodbye;
    if (this.#transport === undefined || goodbye === undefined || this.#endIsWritten || !this.isIdle || !this.#events.areIdle()) return;
    this.#writeEnd(goodbye);
    this.#events.wrote();
  }

  sendBatch(): void {
    if (this.batcher.bytes === 0) return;
    const batch = this.batcher.take();
    this.#retransmitBuffer.keep(batch);
    this.#transport?.send(batch.bytes);
    if (this.#retransmitBuffer.isEmpty) this.batcher.rest();
  }

  /** The connection is closed for good. */
  end(): Leftover {
    this.detach();
    const undelivered = this.#retransmitBuffer.clear();
    let [messages, bytes] = [0, 0];
    if (this.#big?.isMessage) {
      undelivered.push(this.#big.message);
      messages += 1;
      bytes += this.#big.bytes.length;
    }
    for (let queued = this.#outbox.shift(); queued !== undefined; queued = this.#outbox.shift()) {
      undelivered.push(queued.message);
      messages += 1;
      bytes += queued.bytes;
    }
    this.#big = undefined;
    return { messages, bytes, undelivered };
  }

  get #waitingBytes(): number {
    return this.#outbox.bytes + (this.#big?.remaining ?? 0);
  }

  #enqueue(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery, waitingBytes: number): void {
    const isAtOnce = this.#transport !== undefined && !this.#retransmitBuffer.isReplaying && this.isIdle && this.#transportHasRoom();
    if (delivery === 'volatile' && !(isAtOnce && bytes > this.#bounds.chunkBytes && this.credit.available > 0)) {
      this.#sink.shed();
      return;
    }
    if (this.#outbox.put(message, bytes, delivery, waitingBytes - this.#outbox.bytes)) this.#sink.shed();
    this.pump();
  }

  #mayWrite(length: number, cost: number): boolean {
    if (this.#transport === undefined || this.#retransmitBuffer.isReplaying || cost > this.credit.available) return false;
    const kept = this.#retransmitBuffer.bytes + this.batcher.bytes;
    return (kept === 0 || kept + length <= this.#bounds.replayBytes) && this.#transportHasRoom(length);
  }

  /** Looks at the buffer of the transport once for each batch, not for each message: that is slow in a browser. */
  #transportHasRoom(length = 0): boolean {
    const { batcher } = this;
    if (batcher.bytes > 0 && batcher.fits(length)) return true;
    const transport = this.#transport;
    const markBytes = batcher.bytes > 0 ? BURST_MARKS * this.#bounds.transportMarkBytes : this.#bounds.transportMarkBytes;
    if (transport === undefined || transport.isEnding === true) return false;
    this.#transportBytes = transport.bufferedBytes;
    return this.#transportBytes + batcher.bytes < markBytes;
  }

  #write(message: string | Uint8Array<ArrayBuffer>, bytes: number, isVolatile: boolean): void {
    if (!this.batcher.fits(bytes)) this.sendBatch();
    const record = this.#bounds.shared?.recordOf(message, isVolatile);
    if (record !== undefined) this.batcher.share(record);
    else if (typeof message === 'string') this.batcher.text(isVolatile ? Kind.volatileText : Kind.text, message, bytes);
    else this.batcher.body(isVolatile ? Kind.volatileBinary : Kind.binary, message);
    if (!isVolatile) {
      this.credit.spend(costOf(Kind.text, bytes));
      this.messagesSent += 1;
    }
    this.#sink.sent(bytes);
    this.#wrote();
  }

  /**
   * Writes a record that is no message. False if it has to wait, or if there is no more room than for messages that wait.
   *
   * @param shared the same record, if many sessions send it.
   */
  writeRecord(kind: number, body: Uint8Array<ArrayBuffer>, shared?: SharedRecord): boolean {
    const { length } = body;
    if (this.#big !== undefined || this.#endIsWritten) return false;
    const isBig = length > this.#bounds.chunkBytes;
    const cost = isNumbered(kind) ? costOf(kind, length) : 1;
    if (isBig ? this.#transport === undefined || this.#retransmitBuffer.isReplaying : !this.#mayWrite(length, cost)) return false;
    if (isBig) {
      // Only this record: the extension that calls has not removed it from its queue yet.
      for (this.#big = new Fragmenter(body, kind); this.#big !== undefined && this.#writePart(this.#big); );
      return true;
    }
    if (!this.batcher.fits(length)) this.sendBatch();
    if (shared === undefined) this.batcher.body(kind, body);
    else this.batcher.share(shared);
    if (isNumbered(kind)) this.credit.spend(cost);
    this.#wrote();
    return true;
  }

  #wrote(): void {
    this.#events.wrote();
    if (this.batcher.bytes >= FIRST_BATCH_BYTES && !this.#hasCut && this.#transport?.flush !== undefined) {
      this.#hasCut = true;
      this.sendBatch();
      this.#transport.flush();
    }
  }

  /** Sends the open batch. */
  endTurn(): void {
    this.#hasCut = false;
    this.sendBatch();
    this.#transport?.flush?.();
  }

  /** Alternates, so that neither messages nor the records of extensions wait for the last of the other. */
  #writeOneOfEach(): boolean {
    const hasWritten = this.#events.pump();
    return (this.#big === undefined && this.#writeNext()) || hasWritten;
  }

  /** Writes one message of the outbox; false if there is none or it has to wait. */
  #writeNext(): boolean {
    const queued = this.#outbox.peek();
    if (queued === undefined) return false;
    const { message, bytes } = queued;
    if (bytes > this.peerMaxMessageBytes) return this.#refuse(bytes);
    if (bytes > this.#bounds.chunkBytes) {
      this.#outbox.shift();
      this.#big = new Fragmenter(message);
    } else {
      if (!this.#mayWrite(bytes, costOf(Kind.text, bytes))) return false;
      this.#outbox.shift();
      this.#write(message, bytes, false);
    }
    return true;
  }

  #writePart(big: Fragmenter): boolean {
    const { chunkBytes } = this.#bounds;
    // Only the peer of a new session can have a lower limit than the receiver of the first fragments.
    if (big.isMessage && big.bytes.length > this.peerMaxMessageBytes) return this.#refuse(big.bytes.length);
    const kind = big.kind(chunkBytes);
    const length = Math.min(big.remaining, chunkBytes);
    const cost = costOf(kind, length);
    if (!this.#mayWrite(length, cost)) return false;
    if (!this.batcher.fits(length)) this.sendBatch();
    this.batcher.body(kind, big.take(length));
    this.credit.spend(cost);
    this.#events.wrote();
    if (kind === Kind.chunk) return true;
    this.#big = undefined;
    if (!big.isMessage) return true;
    this.messagesSent += 1;
    this.#retransmitBuffer.keepWhole(big.message, big.bytes.length, this.#retransmitBuffer.sent + this.batcher.numbered);
    this.#sink.sent(big.bytes.length);
    return true;
  }

  #writeEnd(goodbye: Uint8Array): void {
    if (!this.batcher.fits(goodbye.length)) this.sendBatch();
    this.batcher.body(Kind.end, goodbye);
    this.#endIsWritten = true;
  }

  /** Closes with 1009: END follows everything written so far, and nothing is written after it. */
  #refuse(bytes: number): false {
    const closeCode = CloseCode.messageTooBig;
    const error = makeError('MESSAGE_TOO_BIG', { size: bytes, limit: this.peerMaxMessageBytes, closeCode, isOwn: true });
    this.#writeEnd(encodeGoodbye(closeCode, error.code));
    this.#events.refused(error);
    return false;
  }
}
