import { FINAL_BINARY, FINAL_TEXT, headerBytes, writeHeader, writePayload } from '../platform/node/frame.js';
import type { SharedFrame } from '../platform/node/frame-writer.js';
import type { SharedFrames } from '../platform/node/transport.js';
import { headerOf, MAX_BODY_BYTES, recordSize, writeVarint } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import type { SharedRecord, SharedRecords } from '../session/shared-records.js';

const SLAB_BYTES = 8_192;

/** From this size on, an encoded message gets a slab of its own, so that a client that is behind keeps nothing else in memory. */
const LARGE_BYTES = 2_048;

type Message = string | Uint8Array<ArrayBuffer>;

/**
 * The message that a server is broadcasting, encoded once for all its clients: as a frame for plain clients, and as a record for
 * sessions, whose batches are often the same and then share a frame as well. A client asks by the message, and encodes any other
 * message itself, such as one that waited in an outbox.
 */
export class Broadcast implements SharedFrames, SharedRecords {
  readonly #frames = new Slab();
  readonly #records = new Slab();
  #message: Message | undefined;
  #bytes = 0;
  #frame: SharedFrame | undefined;
  #record: SharedRecord | undefined;
  #batch: Uint8Array<ArrayBuffer> | undefined;
  #batchFrame: SharedFrame | undefined;

  /** Calls `send`, which sends the message to any number of clients. */
  run(message: Message, bytes: number, send: () => void): void {
    const outer = [this.#message, this.#bytes, this.#frame, this.#record] as const;
    this.#begin(message, bytes, undefined, undefined);
    try {
      send();
    } finally {
      // `send` may have called a listener that broadcast another message.
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

  recordOf(message: Message): SharedRecord | undefined {
    if (message !== this.#message || this.#bytes > MAX_BODY_BYTES) return undefined;
    this.#record ??= encodeRecord(this.#records, message, this.#bytes);
    return this.#record;
  }

  #begin(message: Message | undefined, bytes: number, frame: SharedFrame | undefined, record: SharedRecord | undefined): void {
    this.#message = message;
    this.#bytes = bytes;
    this.#frame = frame;
    this.#record = record;
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

function encodeRecord(slabs: Slab, message: Message, bytes: number): SharedRecord {
  const record = slabs.reserve(recordSize(bytes));
  const at = writeVarint(record.slab, record.start, headerOf(typeof message === 'string' ? Kind.text : Kind.binary, bytes));
  writePayload(record.slab, at, message, bytes);
  return record;
}
