import { makeError } from '../core/errors.js';
import { copyOf } from '../core/message-bytes.js';
import { checkDelivery, checkNames, checkObject, invalid } from '../core/option-checks.js';
import type { Delivery } from '../core/types.js';
import { FINAL_BINARY, FINAL_TEXT, headerBytes, writeHeader, writePayload } from '../platform/node/frame.js';
import type { SharedFrame } from '../platform/node/frame-writer.js';
import type { SharedFrames } from '../platform/node/transport.js';
import { headerOf, MAX_BODY_BYTES, recordSize, writeVarint } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import type { SharedRecord, SharedRecords } from '../session/shared-records.js';
import { AcceptedClient } from './accepted-client.js';
import type { RoomSendOptions } from './types.js';

const SLAB_BYTES = 8_192;

/** From this size on, an encoded message gets a slab of its own, so that a client that is behind keeps nothing else in memory. */
const LARGE_BYTES = 2_048;

type Message = string | Uint8Array<ArrayBuffer>;

/**
 * The message that a server is sending to many clients, encoded once for all of them: as a frame for plain clients, and as a record
 * for sessions, whose batches are often the same and then share a frame as well. A client asks by the message, and encodes any other
 * message itself, such as one that waited in an outbox.
 */
export class Broadcast implements SharedFrames, SharedRecords {
  readonly #frames = new Slab();
  readonly #records = new Slab();
  #message: Message | undefined;
  #bytes = 0;
  #frame: SharedFrame | undefined;
  #record: SharedRecord | undefined;
  #volatileRecord: SharedRecord | undefined;
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #batchFrame: SharedFrame | undefined;

  /** Sends to each client that is open, and to each whose session is kept. Nothing may change the message any more. */
  send(clients: Iterable<AcceptedClient>, message: Message, delivery: Delivery, except: AcceptedClient | undefined): void {
    checkDelivery(delivery);
    const bytes = byteLength(message);
    const outer = [this.#message, this.#bytes, this.#frame, this.#record, this.#volatileRecord] as const;
    this.#begin(message, bytes, undefined, undefined, undefined);
    try {
      for (const client of clients) if (client !== except && client.takesMessages) client.sendShared(message, bytes, delivery);
    } finally {
      // A listener that a send has called may have sent another message to many clients.
      this.#begin(...outer);
    }
  }

  frameOf(message: Message): SharedFrame | undefined {
    if (message === this.#message) {
      this.#frame ??= encodeFrame(this.#frames, message, this.#bytes);
      return this.#frame;
    }
    return typeof message !== 'string' && message.buffer === this.#records.buffer ? this.#frameOfBatch(message) : undefined;
  }

  recordOf(message: Message, isVolatile: boolean): SharedRecord | undefined {
    if (message !== this.#message || this.#bytes > MAX_BODY_BYTES) return undefined;
    if (isVolatile) {
      this.#volatileRecord ??= encodeRecord(this.#records, message, this.#bytes, Kind.volatileText, Kind.volatileBinary);
      return this.#volatileRecord;
    }
    this.#record ??= encodeRecord(this.#records, message, this.#bytes, Kind.text, Kind.binary);
    return this.#record;
  }

  /** Encodes a record with this body for many sessions. */
  encode(kind: number, head: Uint8Array, payload: Uint8Array): SharedRecord {
    const bytes = head.length + payload.length;
    const record = this.#records.reserve(recordSize(bytes));
    const at = writeVarint(record.slab, record.start, headerOf(kind, bytes));
    record.slab.set(head, at);
    record.slab.set(payload, at + head.length);
    return { kind, ...record };
  }

  #begin(
    message: Message | undefined,
    bytes: number,
    frame: SharedFrame | undefined,
    record: SharedRecord | undefined,
    volatileRecord: SharedRecord | undefined,
  ): void {
    this.#message = message;
    this.#bytes = bytes;
    this.#frame = frame;
    this.#record = record;
    this.#volatileRecord = volatileRecord;
  }

  /** A batch that consists of shared records. The clients send the same one, one after the other. */
  #frameOfBatch(batch: Uint8Array<ArrayBuffer>): SharedFrame {
    const last = this.#batch;
    const isSame = last?.byteOffset === batch.byteOffset && last.length === batch.length && last.buffer === batch.buffer;
    if (!isSame || this.#batchFrame === undefined) {
      this.#batch = batch;
      this.#batchFrame = encodeFrame(this.#frames, batch, batch.length);
    }
    return this.#batchFrame;
  }
}

/** Memory for encoded messages, one behind the other. Written bytes never change. */
class Slab {
  #bytes: Buffer<ArrayBuffer> = Buffer.alloc(0);
  #at = 0;

  get buffer(): ArrayBuffer {
    return this.#bytes.buffer;
  }

  /** Returns the slab up to the end of the new part, and the start of the part. */
  reserve(size: number): { slab: Buffer<ArrayBuffer>; start: number } {
    if (this.#bytes.length - this.#at < size || size >= LARGE_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(size >= LARGE_BYTES ? size : SLAB_BYTES) as Buffer<ArrayBuffer>;
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += size;
    return { slab: this.#bytes.subarray(0, this.#at), start };
  }
}

function encodeFrame(slabs: Slab, message: Message, bytes: number): SharedFrame {
  const frame = slabs.reserve(headerBytes(bytes) + bytes);
  const at = writeHeader(frame.slab, frame.start, typeof message === 'string' ? FINAL_TEXT : FINAL_BINARY, bytes, false);
  writePayload(frame.slab, at, message, bytes);
  return frame;
}

function encodeRecord(slabs: Slab, message: Message, bytes: number, textKind: number, binaryKind: number): SharedRecord {
  const { slab, start } = slabs.reserve(recordSize(bytes));
  const kind = typeof message === 'string' ? textKind : binaryKind;
  writePayload(slab, writeVarint(slab, start, headerOf(kind, bytes)), message, bytes);
  return { kind, slab, start };
}

function byteLength(message: Message): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength;
}

/** The message of a broadcast. Bytes are copied: the application may change its buffer after the call, and a session may keep them. */
export function broadcastable(message: string | ArrayBuffer | ArrayBufferView): Message {
  if (typeof message === 'string') return message;
  try {
    return copyOf(message);
  } catch {
    throw makeError('INVALID_MESSAGE', { method: 'broadcast' });
  }
}

/** The client that a message is not sent to. @throws {WebsocketError} `INVALID_OPTION`, also for a name that is not in `known`. */
export function exceptOf(options: RoomSendOptions, known: object): AcceptedClient | undefined {
  checkNames(checkObject('options', options), known);
  const { except, local } = options;
  if (except !== undefined && !(except instanceof AcceptedClient)) throw invalid('except', except);
  if (local !== undefined && typeof local !== 'boolean') throw invalid('local', local);
  return except;
}
