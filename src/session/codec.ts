import { isSendable } from '../core/close-codes.js';
import type { CloseInfo } from '../core/types.js';
import * as Kind from './record-kind.js';

/** The subprotocol, which carries the version. */
export const SESSION_PROTOCOL = 'gem.1';

/** Largest WebSocket message. */
export const MAX_BATCH_BYTES = 65_536;

/** Largest body of a record, and so the longest time that a control record waits for one. */
export const MAX_BODY_BYTES = 16_384;

/** A record of an extension may be this much larger than the largest message, for its fields beside a message. */
export const EXTENSION_BYTES = 1_024;

/** Largest body of END: that of a control frame (RFC 6455, 5.5), as the close frame has the same code and reason. */
const MAX_GOODBYE_BYTES = 125;

/** An idle connection holds no memory of its own. */
export const NO_BYTES = new Uint8Array(0);

/** The extensions of this version that a peer may use: a sum of these bits. */
export const FEATURE_TOPICS = 1;

/** Refuses malformed UTF-8 and keeps a byte order mark. Not made when this module is loaded: React Native has no TextDecoder. */
export function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
}

/** Undefined when the bytes are not UTF-8. */
export function decodeText(bytes: Uint8Array, decoder = newDecoder()): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of the number in groups of 7 bits (LEB128). */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** Writes the number and returns the position behind it. */
export function writeVarint(target: Uint8Array | number[], at: number, value: number): number {
  let rest = value;
  let next = at;
  // Division and not a shift: a shift would cut the number to 32 bits.
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[next++] = (rest % 0x80) | 0x80;
  target[next++] = rest;
  return next;
}

export function isNumbered(kind: number): boolean {
  return kind < Kind.ack;
}

/** The number that precedes the body of a record. */
export function headerOf(kind: number, length: number): number {
  return (length << 4) | kind;
}

/** Bytes of a record with a body of this length. */
export function recordSize(length: number): number {
  return varintSize(length << 4) + length;
}

/** The body of END: code and reason as a close frame has them (RFC 6455, 5.5.1). */
export function encodeGoodbye(code: number, reason: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(code >> 8, code & 0xff, ...new TextEncoder().encode(reason));
}

/** Undefined when it has a code that no endpoint may send, or is no goodbye at all. */
export function decodeGoodbye(body: Uint8Array): CloseInfo | undefined {
  if (body.length < 2 || body.length > MAX_GOODBYE_BYTES) return undefined;
  const code = ((body[0] as number) << 8) | (body[1] as number);
  const reason = decodeText(body.subarray(2));
  return reason === undefined || !isSendable(code) ? undefined : { code, reason, wasClean: true };
}

/**
 * Reads numbers, bytes and strings one behind the other. Total: a field that is missing or invalid reads as 0 or empty and
 * sets `isSound` to false for good, so that a caller checks once, at the end.
 */
export class FieldReader {
  readonly batch: Uint8Array;
  isSound = true;
  protected at: number;
  readonly #limit: number;

  constructor(batch: Uint8Array, start: number, end: number) {
    this.batch = batch;
    this.at = start;
    this.#limit = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.#limit;
  }

  /** At most 8 bytes, as short as possible, from `min` to `max`. */
  varint(max: number = Number.MAX_SAFE_INTEGER, min = 0): number {
    let value = 0;
    let scale = 1;
    for (let size = 1; size <= 8 && this.at < this.#limit; size++, scale *= 0x80) {
      const byte = this.batch[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if ((byte === 0 && size > 1) || value > max || value < min) break;
      return value;
    }
    this.isSound = false;
    return 0;
  }

  /** A copy, which the caller may keep. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(length);
    const start = this.at;
    if (this.#limit - start < length) this.isSound = false;
    else {
      this.at += length;
      copy.set(this.batch.subarray(start, this.at));
    }
    return copy;
  }

  /** A view of everything that is left. */
  rest(): Uint8Array<ArrayBuffer> {
    const start = this.at;
    this.at = this.#limit;
    return this.batch.subarray(start, this.#limit) as Uint8Array<ArrayBuffer>;
  }

  string(maxBytes: number): string {
    const text = decodeText(this.bytes(this.varint(maxBytes)));
    if (text === undefined) this.isSound = false;
    return text ?? '';
  }
}

/**
 * Walks over the records of a batch. Total: any bytes give records, or end early with a `fault`; nothing is copied
 * and nothing throws.
 */
export class RecordReader extends FieldReader {
  kind = 0;
  /** Position of the body in `batch`. */
  start = 0;
  end = 0;
  /** How the batch violates the protocol, once `next` has returned false. */
  fault: string | undefined;

  constructor(batch: Uint8Array) {
    super(batch, 0, batch.length);
    if (batch.length === 0) this.fault = 'an empty batch';
    else if (batch.length > MAX_BATCH_BYTES) this.fault = `a batch of ${batch.length} bytes`;
  }

  /** Moves to the next record; false at the end, and at a fault. */
  next(): boolean {
    if (this.fault !== undefined || this.end === this.batch.length) return false;
    this.at = this.end;
    const header = this.varint(headerOf(Kind.control, MAX_BODY_BYTES));
    const end = this.at + (header >> 4);
    this.kind = header & 0x0f;
    this.start = this.at;
    if (!this.isSound) this.fault = 'an invalid record header';
    else if (end > this.batch.length) this.fault = 'an invalid record length';
    else this.end = end;
    return this.fault === undefined;
  }
}

/** Records in a part of a batch. A batch of 64 KiB may hold 65,536 records, and each may be a message. */
const RECORDS_A_PART = 64;

/**
 * Splits a batch of gem.1 into smaller batches. The meaning of a record does not depend on its batch. Malformed bytes stay in
 * the last part. Undefined for a batch that cannot hold more records than one part.
 */
export function splitBatch(batch: Uint8Array, recordsAPart = RECORDS_A_PART): Iterator<Uint8Array> | undefined {
  return batch.byteLength > recordsAPart ? parts(batch, recordsAPart) : undefined;
}

function* parts(batch: Uint8Array, recordsAPart: number): Generator<Uint8Array, undefined> {
  const records = new RecordReader(batch);
  let from = 0;
  for (let count = 1; records.next(); count++) {
    if (count % recordsAPart !== 0 || records.end === batch.length) continue;
    yield batch.subarray(from, records.end);
    from = records.end;
  }
  yield from === 0 ? batch : batch.subarray(from);
}
