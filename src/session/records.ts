import { MAX_BATCH_BYTES, MAX_BODY_BYTES } from './limits.js';

/** Kinds of records; those below 8 are numbered. See docs/protocol.md, section 3. */
export const Kind = {
  chunk: 0,
  text: 1,
  binary: 2,
  end: 3,
  ack: 8,
  credit: 9,
  ping: 10,
  pong: 11,
  volatileText: 12,
  volatileBinary: 13,
  reserved: 14,
  control: 15,
} as const;

const FIRST_UNNUMBERED = 8;
/** What 3 bytes of a varint hold, which is more than the largest header. */
const MAX_HEADER_BYTES = 3;

export function isNumbered(kind: number): boolean {
  return kind < FIRST_UNNUMBERED;
}

export function headerSize(length: number): number {
  return length < 8 ? 1 : length < 1024 ? 2 : 3;
}

/** Writes length and kind, and returns where the body goes. */
export function writeHeader(target: Uint8Array, at: number, kind: number, length: number): number {
  const header = (length << 4) | kind;
  if (length < 8) {
    target[at] = header;
    return at + 1;
  }
  target[at] = (header & 0x7f) | 0x80;
  if (length < 1024) {
    target[at + 1] = header >> 7;
    return at + 2;
  }
  target[at + 1] = ((header >> 7) & 0x7f) | 0x80;
  target[at + 2] = header >> 14;
  return at + 3;
}

/**
 * Walks over the records of a batch. Total: any bytes give records, or end early with a `fault`; nothing is copied
 * and nothing throws.
 */
export class RecordReader {
  kind = 0;
  /** Of the body, in `batch`. */
  start = 0;
  end = 0;
  /** What is wrong with the batch, once `next` has returned false. */
  fault: string | undefined;
  readonly batch: Uint8Array;

  constructor(batch: Uint8Array) {
    this.batch = batch;
    if (batch.length === 0) this.fault = 'an empty batch';
    else if (batch.length > MAX_BATCH_BYTES) this.fault = `a batch of ${batch.length} bytes`;
  }

  /** Moves to the next record; false at the end, and at a fault. */
  next(): boolean {
    if (this.fault !== undefined || this.end === this.batch.length) return false;
    const header = this.#header();
    if (header < 0) return false;
    const length = header >> 4;
    this.kind = header & 0x0f;
    if (length > MAX_BODY_BYTES) this.fault = `a record of ${length} bytes`;
    else if (length > this.batch.length - this.start) this.fault = 'a record that ends beyond its batch';
    else this.end = this.start + length;
    return this.fault === undefined;
  }

  /** Moves `start` behind the header. */
  #header(): number {
    let header = 0;
    for (let size = 0; size < MAX_HEADER_BYTES; size++) {
      const at = this.end + size;
      if (at >= this.batch.length) break;
      const byte = this.batch[at] as number;
      header |= (byte & 0x7f) << (7 * size);
      if (byte >= 0x80) continue;
      if (byte === 0 && size > 0) break;
      this.start = at + 1;
      return header;
    }
    this.fault = 'a header that is cut off, too long or not minimal';
    return -1;
  }
}
