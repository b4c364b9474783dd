import type { Message } from '../core/types.js';
import { NO_BYTES } from './codec.js';
import * as Kind from './record-kind.js';

/** Splits a message into fragments. */
export class Fragmenter {
  readonly message: Message;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #lastKind: number;
  #at = 0;

  /** @param kind of a record that is no message. */
  constructor(message: string | Uint8Array<ArrayBuffer>, kind?: number) {
    this.message = message;
    this.bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message;
    this.#lastKind = kind ?? (typeof message === 'string' ? Kind.text : Kind.binary);
  }

  get isMessage(): boolean {
    return this.#lastKind < Kind.end;
  }

  get remaining(): number {
    return this.bytes.length - this.#at;
  }

  /** Kind of the next fragment: CHUNK, or for the last one the kind of the message. */
  kind(chunkBytes: number): number {
    return this.remaining > chunkBytes ? Kind.chunk : this.#lastKind;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  /** In a new session the message is sent from its beginning. */
  restart(): void {
    this.#at = 0;
  }
}

/** Reassembles a message. Its buffer grows with the bytes received. */
export class Reassembler {
  #buffer = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Memory of the buffer, which grows in strides. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** @param maxBytes the largest message, beyond which the buffer never grows. */
  add(part: Uint8Array, maxBytes: number): void {
    const length = this.#length + part.length;
    if (length > this.#buffer.length) {
      const buffer = new Uint8Array(Math.max(length, Math.min(maxBytes, 2 * this.#buffer.length)));
      buffer.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = buffer;
    }
    this.#buffer.set(part, this.#length);
    this.#length = length;
  }

  /** The whole message, in a buffer of its own. */
  take(): Uint8Array<ArrayBuffer> {
    const whole = this.#length === this.#buffer.length ? this.#buffer : this.#buffer.slice(0, this.#length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#buffer = NO_BYTES;
    this.#length = 0;
  }
}
