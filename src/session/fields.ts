import { decodeText, newDecoder } from './text.js';

/**
 * Reads the fields of a record, one after the other. Total: a field that is not there, or is not what it should be,
 * reads as nothing and turns `isSound` false for good, so that a reader checks once, at the end.
 */
export class Fields {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #isSound = true;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isSound(): boolean {
    return this.#isSound;
  }

  /** Of 8 bytes at most, as short as possible, from `min` to `max`, which is what a number holds exactly. */
  varint(max: number = Number.MAX_SAFE_INTEGER, min = 0): number {
    let value = 0;
    let scale = 1;
    for (let size = 1; size <= 8 && this.#at < this.#end; size++, scale *= 0x80) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte >= 0x80) continue;
      if ((byte === 0 && size > 1) || value > max || value < min) break;
      return value;
    }
    this.#isSound = false;
    return 0;
  }

  /** A copy: what is read may be kept. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(length);
    if (this.#end - this.#at < length) {
      this.#isSound = false;
      return copy;
    }
    copy.set(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return copy;
  }

  string(maxBytes: number): string {
    const length = this.varint(maxBytes);
    if (length <= this.#end - this.#at) {
      const text = decodeText(newDecoder(), this.#bytes.subarray(this.#at, this.#at + length));
      this.#at += length;
      if (text !== undefined) return text;
    }
    this.#isSound = false;
    return '';
  }
}
