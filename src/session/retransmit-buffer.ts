import { Queue } from '../core/queue.js';
import type { Message } from '../core/types.js';
import type { Batch } from './batcher.js';
import { decodeText, isNumbered, MAX_BATCH_BYTES, RecordReader } from './codec.js';
import * as Kind from './record-kind.js';

/** Memory of an entry beside its bytes (Node 20: 162), so that a bound in bytes also bounds many tiny batches. */
const ENTRY_COST = 160;

/** Up to this size the entries may occupy slabs of many times their size, two slabs at most. */
const FEW_BYTES = 2 * MAX_BATCH_BYTES;

/** Records in flight, as they were sent. */
interface SentBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Number of the first record. */
  readonly first: number;
  readonly numbered: number;
  readonly hasVolatile: boolean;
}

/** A fragmented message, kept whole until its last record is acknowledged. */
interface BigMessage {
  readonly message: Message;
  readonly bytes: number;
  readonly last: number;
}

/**
 * The numbered records of one direction that the peer has not acknowledged. A record is removed by its acknowledgement,
 * or with the session. After a disconnect, `rewind` queues all of them to be retransmitted.
 */
export class RetransmitBuffer {
  /** Numbered records sent in this session; the buffer holds those that are not acknowledged. */
  sent = 0;
  acknowledged = 0;
  /** Bytes of the records, each entry with its cost: `replayBytes` bounds them. */
  bytes = 0;
  #wholeBytes = 0;
  #kept = new Queue<SentBatch>();
  #again = new Queue<SentBatch>();
  readonly #big = new Queue<BigMessage>();
  readonly #acknowledgedMessages: ((messages: number) => void) | undefined;

  /** @param acknowledgedMessages called with the number of newly acknowledged messages. */
  constructor(acknowledgedMessages?: (messages: number) => void) {
    this.#acknowledgedMessages = acknowledgedMessages;
  }

  /** Memory of everything in the buffer. */
  get heldBytes(): number {
    return this.bytes + this.#wholeBytes;
  }

  get isEmpty(): boolean {
    return this.#kept.length === 0 && this.#again.length === 0;
  }

  /** Whether records wait to be retransmitted. */
  get isReplaying(): boolean {
    return this.#again.length > 0;
  }

  keep(batch: Batch): void {
    if (batch.numbered === 0) return;
    this.#kept.push({ bytes: batch.data, first: this.sent + 1, numbered: batch.numbered, hasVolatile: batch.hasVolatile });
    this.sent += batch.numbered;
    this.bytes += batch.data.length + ENTRY_COST;
  }

  keepWhole(message: Message, bytes: number, last: number): void {
    this.#big.push({ message, bytes, last });
    this.#wholeBytes += bytes;
  }

  /** False if the count is lower than an earlier one, or higher than the records sent. */
  acknowledge(count: number): boolean {
    if (count < this.acknowledged || count > this.sent) return false;
    this.acknowledged = count;
    for (
      let sentBatch = this.#kept.peek();
      sentBatch !== undefined && sentBatch.first + sentBatch.numbered - 1 <= count;
      sentBatch = this.#kept.peek()
    ) {
      this.#kept.shift();
      this.bytes -= sentBatch.bytes.length + ENTRY_COST;
      this.#acknowledgedMessages?.(countMessages(sentBatch.bytes));
    }
    for (let big = this.#big.peek(); big !== undefined && big.last <= count; big = this.#big.peek()) {
      this.#big.shift();
      this.#wholeBytes -= big.bytes;
    }
    return true;
  }

  /** The transport is gone, perhaps for long: copies a few bytes so that they keep no slab alive. */
  rest(): void {
    if (this.bytes > FEW_BYTES) return;
    const kept = new Queue<SentBatch>();
    for (const sentBatch of this.#all()) kept.push({ ...sentBatch, bytes: sentBatch.bytes.slice() });
    this.#kept = kept;
    this.#again = new Queue();
  }

  /** Queues everything that is not acknowledged to be retransmitted. Returns the number of those messages. */
  rewind(): number {
    const again = new Queue<SentBatch>();
    let messages = 0;
    this.bytes = 0;
    for (const sentBatch of this.#all()) {
      const rest = this.#unacknowledged(sentBatch);
      if (rest !== sentBatch)
        this.#acknowledgedMessages?.(countMessages(sentBatch.bytes) - (rest === undefined ? 0 : countMessages(rest.bytes)));
      if (rest === undefined) continue;
      again.push(rest);
      this.bytes += rest.bytes.length + ENTRY_COST;
      messages += countMessages(rest.bytes);
    }
    this.#kept = new Queue();
    this.#again = again;
    return messages;
  }

  /** The next batch to retransmit, which stays in the buffer. */
  next(): Uint8Array<ArrayBuffer> | undefined {
    const sentBatch = this.#again.shift();
    if (sentBatch === undefined) return undefined;
    this.#kept.push(sentBatch);
    return sentBatch.bytes;
  }

  /** The session is gone: empties the buffer, resets its counts and returns its messages. */
  clear(): Message[] {
    this.rewind();
    const messages: Message[] = [];
    for (let sentBatch = this.#again.shift(); sentBatch !== undefined; sentBatch = this.#again.shift()) this.#recover(sentBatch, messages);
    this.#big.clear();
    this.sent = this.acknowledged = this.bytes = this.#wholeBytes = 0;
    return messages;
  }

  *#all(): Iterable<SentBatch> {
    for (const queue of [this.#kept, this.#again]) {
      for (let sentBatch = queue.shift(); sentBatch !== undefined; sentBatch = queue.shift()) yield sentBatch;
    }
  }

  /** The batch without acknowledged and volatile records. */
  #unacknowledged(sentBatch: SentBatch): SentBatch | undefined {
    const first = Math.max(sentBatch.first, this.acknowledged + 1);
    const skip = first - sentBatch.first;
    if (skip >= sentBatch.numbered) return undefined;
    if (skip === 0 && !sentBatch.hasVolatile) return sentBatch;
    return { bytes: numberedRecords(sentBatch.bytes, skip), first, numbered: sentBatch.numbered - skip, hasVolatile: false };
  }

  #recover(sentBatch: SentBatch, messages: Message[]): void {
    const records = new RecordReader(sentBatch.bytes);
    for (let number = sentBatch.first; records.next(); number++) {
      if (records.kind !== Kind.text && records.kind !== Kind.binary) continue;
      while ((this.#big.peek()?.last ?? number) < number) this.#big.shift();
      const body = sentBatch.bytes.slice(records.start, records.end);
      if (this.#big.peek()?.last === number) messages.push((this.#big.shift() as BigMessage).message);
      else messages.push(records.kind === Kind.binary ? body : (decodeText(body) ?? ''));
    }
  }
}

/** A copy of the numbered records without the first `skip`. */
function numberedRecords(bytes: Uint8Array<ArrayBuffer>, skip: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes.length);
  const records = new RecordReader(bytes);
  let length = 0;
  let number = 0;
  for (let from = 0; records.next(); from = records.end) {
    if (!isNumbered(records.kind)) continue;
    number += 1;
    if (number <= skip) continue;
    copy.set(bytes.subarray(from, records.end), length);
    length += records.end - from;
  }
  return copy.slice(0, length);
}

function countMessages(bytes: Uint8Array): number {
  const records = new RecordReader(bytes);
  let messages = 0;
  while (records.next()) if (records.kind === Kind.text || records.kind === Kind.binary) messages += 1;
  return messages;
}
