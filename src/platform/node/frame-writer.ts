import { randomFillSync } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { FINAL_BINARY, FINAL_TEXT, headerBytes, MASK_BYTES, mask, writeHeader, writePayload } from './frame.js';

/** A frame of a broadcast. Its bytes never change, and `slab` ends with it. */
export interface SharedFrame {
  readonly slab: Buffer;
  readonly start: number;
}

/** Frames of this size are not moved: the socket writes them from where they are. */
const LARGE_BYTES = 4_096;

/** Room for the frames of a turn after the first one. */
const MIN_SLAB_BYTES = 1_024;

/** Masking keys that are drawn at once. */
const KEYS = 64;

const NONE = Buffer.alloc(0);

/**
 * Gathers the frames of one turn of the event loop, and writes them to the socket as one buffer. For a WebSocket of ws without
 * extensions, which itself queues nothing: a frame of ws keeps its place if `flush` is called before it.
 */
export class FrameWriter {
  readonly #socket: Duplex;
  readonly #keys: MaskingKeys | undefined;
  readonly #written: (error?: Error | null) => void;
  #chunks: Buffer[] | undefined;
  /** The open chunk is the range of the slab from `#start` to `#end`. */
  #slab: Buffer = NONE;
  #start = 0;
  #end = 0;
  /** Bytes that are gathered. */
  bytes = 0;

  /** @param isMasked a client masks its frames. */
  constructor(socket: Duplex, isMasked: boolean, written: (error?: Error | null) => void) {
    this.#socket = socket;
    this.#keys = isMasked ? new MaskingKeys() : undefined;
    this.#written = written;
  }

  /** @param bytes the length of the message, in UTF-8. */
  write(message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    const keys = this.#keys;
    const isText = typeof message === 'string';
    const isCopied = isText || keys !== undefined || bytes < LARGE_BYTES;
    const header = headerBytes(bytes) + (keys === undefined ? 0 : MASK_BYTES);
    this.#reserve(header + (isCopied ? bytes : 0));
    const slab = this.#slab;
    let at = writeHeader(slab, this.#end, isText ? FINAL_TEXT : FINAL_BINARY, bytes, keys !== undefined);
    if (keys !== undefined) at = keys.put(slab, at);
    this.#end = isCopied ? writePayload(slab, at, message, bytes) : at;
    if (keys !== undefined) mask(slab, at, this.#end, slab, at - MASK_BYTES);
    this.bytes += header + bytes;
    if (isCopied) return;
    this.#closeChunk();
    const { buffer, byteOffset } = message as Uint8Array<ArrayBuffer>;
    this.#chunks?.push(Buffer.from(buffer, byteOffset, bytes));
  }

  share({ slab, start }: SharedFrame): void {
    const size = slab.length - start;
    this.bytes += size;
    const isEmpty = this.#start === this.#end;
    if (isEmpty || (start === this.#end && slab.buffer === this.#slab.buffer)) {
      if (isEmpty) this.#start = start;
      this.#slab = slab;
      this.#end = slab.length;
    } else if (size < LARGE_BYTES) {
      this.#reserve(size);
      this.#end += slab.copy(this.#slab, this.#end, start);
    } else {
      this.#closeChunk();
      this.#chunks?.push(slab.subarray(start));
    }
  }

  flush(): void {
    const socket = this.#socket;
    const chunks = this.#chunks;
    const last = this.#end > this.#start ? this.#slab.subarray(this.#start, this.#end) : chunks?.pop();
    this.#slab = NONE;
    this.#start = this.#end = this.bytes = 0;
    this.#chunks = undefined;
    if (last === undefined || !socket.writable) return;
    if (chunks === undefined || chunks.length === 0) {
      socket.write(last, this.#written);
      return;
    }
    socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    socket.write(last, this.#written);
    socket.uncork();
  }

  #closeChunk(): void {
    this.#chunks ??= [];
    if (this.#end > this.#start) this.#chunks.push(this.#slab.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  /** The first frame of a turn gets a slab of its own size, because most turns have only one. */
  #reserve(size: number): void {
    if (this.#slab.length - this.#end >= size) return;
    if (this.#end - this.#start >= LARGE_BYTES) this.#closeChunk();
    const open = this.#end - this.#start;
    const isLone = open === 0 && this.#chunks === undefined;
    const slab = Buffer.allocUnsafe(isLone || size >= LARGE_BYTES ? open + size : Math.max(MIN_SLAB_BYTES, 2 * (open + size)));
    this.#slab.copy(slab, 0, this.#start, this.#end);
    this.#slab = slab;
    this.#start = 0;
    this.#end = open;
  }
}

/** Each frame gets a new key that cannot be predicted (RFC 6455, 5.3). */
class MaskingKeys {
  #keys: Buffer | undefined;
  #at = 0;

  /** Writes a key and returns the position behind it. */
  put(target: Buffer, at: number): number {
    if (this.#keys === undefined || this.#at === this.#keys.length) {
      this.#keys = randomFillSync(this.#keys ?? Buffer.allocUnsafe(KEYS * MASK_BYTES));
      this.#at = 0;
    }
    this.#at += this.#keys.copy(target, at, this.#at, this.#at + MASK_BYTES);
    return at + MASK_BYTES;
  }
}
