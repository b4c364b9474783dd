import type { Arrival, ArrivalQueue } from '../../core/inbox.js';
import { Queue } from '../../core/queue.js';

/** A shorter queue keeps its messages as they are, so that packing costs nothing in an application that keeps up. */
const FEW_MESSAGES = 64;

/** From this size on, the memory of a message's objects is small compared to its bytes. */
const MAX_PACKED_BYTES = 1_024;

const SLAB_BYTES = 8_192;

/** Before each packed message: its length and its kind. */
const HEADER_BYTES = 2;
const Kind = { binary: 0, text: 1, large: 2 } as const;

interface Slab {
  readonly bytes: Buffer;
  /** Where the next message is read, and where the next one is written. */
  readAt: number;
  writeAt: number;
}

/**
 * A queue of messages that takes little more memory than their bytes. A binary message of one byte takes about 300 bytes as an
 * object, so many small ones would take a multiple of the bounds, which count bytes. They are packed into slabs, and unpacked
 * when they are read.
 */
export class PackedQueue implements ArrivalQueue {
  /** Made when they are needed, because most clients leave nothing unread. */
  #first: Queue<Arrival> | undefined;
  #slabs: Queue<Slab> | undefined;
  #large: Queue<Arrival> | undefined;
  #last: Slab | undefined;
  #packed = 0;

  get length(): number {
    return (this.#first?.length ?? 0) + this.#packed;
  }

  push(arrival: Arrival): void {
    this.#first ??= new Queue();
    if (this.#packed === 0 && this.#first.length < FEW_MESSAGES) this.#first.push(arrival);
    else this.#pack(arrival);
  }

  shift(): Arrival | undefined {
    if (this.#first !== undefined && this.#first.length > 0) return this.#first.shift();
    return this.#packed === 0 ? undefined : this.#unpack();
  }

  clear(): void {
    this.#first = this.#slabs = this.#large = this.#last = undefined;
    this.#packed = 0;
  }

  #pack(arrival: Arrival): void {
    const { message, bytes } = arrival;
    this.#packed += 1;
    if (bytes > MAX_PACKED_BYTES) {
      this.#large ??= new Queue();
      this.#large.push(arrival);
      this.#begin(0, Kind.large);
      return;
    }
    const isText = typeof message === 'string';
    const slab = this.#begin(bytes, isText ? Kind.text : Kind.binary);
    if (isText) slab.bytes.write(message, slab.writeAt);
    else slab.bytes.set(message, slab.writeAt);
    slab.writeAt += bytes;
  }

  /** Writes the header, into a new slab where the last one is full. */
  #begin(length: number, kind: number): Slab {
    let slab = this.#last;
    if (slab === undefined || SLAB_BYTES - slab.writeAt < HEADER_BYTES + length) {
      slab = { bytes: Buffer.allocUnsafeSlow(SLAB_BYTES), readAt: 0, writeAt: 0 };
      this.#last = slab;
      this.#slabs ??= new Queue();
      this.#slabs.push(slab);
    }
    slab.writeAt = slab.bytes.writeUInt16LE((length << 2) | kind, slab.writeAt);
    return slab;
  }

  #unpack(): Arrival | undefined {
    this.#packed -= 1;
    const slabs = this.#slabs as Queue<Slab>;
    let slab = slabs.peek() as Slab;
    if (slab.readAt === slab.writeAt) {
      slabs.shift();
      slab = slabs.peek() as Slab;
    }
    const arrival = this.#read(slab);
    if (this.#packed === 0) this.clear();
    return arrival;
  }

  #read(slab: Slab): Arrival | undefined {
    const header = slab.bytes.readUInt16LE(slab.readAt);
    const start = slab.readAt + HEADER_BYTES;
    const bytes = header >> 2;
    slab.readAt = start + bytes;
    switch (header & 3) {
      case Kind.large:
        return this.#large?.shift();
      case Kind.text:
        return { message: slab.bytes.toString('utf8', start, slab.readAt), bytes };
      default:
        // A buffer of its own: a view would keep the slab alive.
        return { message: new Uint8Array(slab.bytes.subarray(start, slab.readAt)), bytes };
    }
  }
}
