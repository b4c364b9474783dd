import { headerOf, isNumbered, MAX_BATCH_BYTES, NO_BYTES, recordSize, writeVarint } from './codec.js';
import type { SharedRecord } from './shared-records.js';

/** A batch that is closed. */
export interface Batch {
  /** The whole batch, to send. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The records before the control records: only these can be retransmitted. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The number of numbered records in `data`. */
  readonly numbered: number;
  readonly hasVolatile: boolean;
}

/** Kept free in every batch for one each of ACK, CREDIT, PING and PONG. */
const CONTROL_ROOM = 64;
const MIN_SLAB_BYTES = 512;
/** Up to here a loop over the characters is faster than a call into the engine's encoder. */
const SHORT_TEXT = 96;

/**
 * Writes records one behind the other into a slab of memory. A batch is a range of a slab: the transport and the retransmit buffer
 * get it without a copy, and its bytes never change again.
 */
export class Batcher {
  readonly #encoder = new TextEncoder();
  #slab = NO_BYTES;
  /** Positions in the slab: the start of the open batch, the end of its data, and the next byte. */
  #start = 0;
  #dataEnd = 0;
  #at = 0;
  #numbered = 0;
  #hasVolatile = false;
  /** Size of the last batch: the next slab has room for a few batches of this size. */
  #usual = 0;

  get bytes(): number {
    return this.#at - this.#start;
  }

  /** Numbered records of the open batch. */
  get numbered(): number {
    return this.#numbered;
  }

  /** Whether a record with this body fits the open batch. */
  fits(length: number): boolean {
    return this.bytes + recordSize(length) <= MAX_BATCH_BYTES - CONTROL_ROOM;
  }

  /** @param bytes length of the text in UTF-8. */
  text(kind: number, text: string, bytes: number): void {
    this.#begin(kind, bytes);
    const slab = this.#slab;
    let at = this.#at;
    if (bytes === text.length && bytes <= SHORT_TEXT) {
      // As many bytes as characters: all of it is ASCII.
      for (let index = 0; index < bytes; index++) slab[at++] = text.charCodeAt(index);
    } else this.#encoder.encodeInto(text, slab.subarray(at, at + bytes));
    this.#finish(kind, bytes);
  }

  body(kind: number, body: Uint8Array): void {
    this.#begin(kind, body.length);
    this.#slab.set(body, this.#at);
    this.#finish(kind, body.length);
  }

  /** Appends a record that many sessions send. A batch of nothing else stays in the shared slab, and no byte is copied. */
  share({ kind, slab, start }: SharedRecord): void {
    const isEmpty = this.bytes === 0;
    if (isEmpty || (start === this.#at && slab.buffer === this.#slab.buffer)) {
      if (isEmpty) this.#start = start;
      this.#slab = slab;
      this.#at = start;
    } else {
      this.#reserve(slab.length - start);
      this.#slab.set(slab.subarray(start), this.#at);
    }
    this.#finish(kind, slab.length - start);
  }

  /** Appends a control record with one number, behind all data. */
  number(kind: number, value: number): void {
    const body: number[] = [];
    writeVarint(body, 0, value);
    this.bytesOf(kind, body);
  }

  /** Appends a control record with this body, behind all data. */
  bytesOf(kind: number, body: ArrayLike<number>): void {
    this.#begin(kind, body.length);
    this.#put(body);
  }

  /** Appends a whole control record, behind all data. */
  control(record: Uint8Array): void {
    this.#reserve(record.length);
    this.#put(record);
  }

  /** Closes the open batch. */
  take(): Batch {
    const bytes = this.#slab.subarray(this.#start, this.#at);
    const batch: Batch = {
      bytes,
      data: this.#dataEnd === this.#at ? bytes : this.#slab.subarray(this.#start, this.#dataEnd),
      numbered: this.#numbered,
      hasVolatile: this.#hasVolatile,
    };
    this.#usual = this.bytes;
    this.#start = this.#at;
    this.#dataEnd = this.#at;
    this.#numbered = 0;
    this.#hasVolatile = false;
    return batch;
  }

  /** Releases the slab, if no batch is open: an idle connection holds none. */
  rest(): void {
    if (this.bytes > 0) return;
    this.#slab = NO_BYTES;
    this.#start = this.#dataEnd = this.#at = 0;
  }

  #begin(kind: number, length: number): void {
    this.#reserve(recordSize(length));
    this.#at = writeVarint(this.#slab, this.#at, headerOf(kind, length));
  }

  #put(bytes: ArrayLike<number>): void {
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #finish(kind: number, length: number): void {
    this.#at += length;
    this.#dataEnd = this.#at;
    if (isNumbered(kind)) this.#numbered += 1;
    else this.#hasVolatile = true;
  }

  /** Where the slab is full, the open batch moves to the next one. */
  #reserve(bytes: number): void {
    if (this.#slab.length - this.#at >= bytes) return;
    const open = this.bytes;
    const size = Math.max(MIN_SLAB_BYTES, 2 * (open + bytes), Math.min(MAX_BATCH_BYTES, 4 * this.#usual));
    const slab = new Uint8Array(Math.min(size, Math.max(MAX_BATCH_BYTES, open + bytes)));
    slab.set(this.#slab.subarray(this.#start, this.#at));
    this.#slab = slab;
    this.#dataEnd -= this.#start;
    this.#start = 0;
    this.#at = open;
  }
}
