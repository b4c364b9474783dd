import type { ChannelSink } from '../core/channel.js';
import type { CloseInfo, Message } from '../core/types.js';
import * as SessionCloseCode from './close-code.js';
import { decodeGoodbye, decodeText, EXTENSION_BYTES, isNumbered, newDecoder, type RecordReader } from './codec.js';
import { costOf, ReceiveCredit } from './credit.js';
import { Reassembler } from './fragments.js';
import * as Kind from './record-kind.js';

/** A violation of the protocol, and the close code for it: section 12 of docs/protocol.md. */
export interface Fault {
  readonly code: number;
  readonly what: string;
}

export function malformed(what: string): Fault {
  return { code: SessionCloseCode.protocol, what };
}

/** Takes the records of extensions: `Extension.receive`. */
export type ReceiveRecord = (kind: number, bytes: Uint8Array, start: number, end: number) => Fault | undefined;

function overLimit(what: string): Fault {
  return { code: SessionCloseCode.limit, what };
}

/** The receiving half of a session: counts numbered records, reassembles messages, and delivers them in order. */
export class Incoming {
  readonly credit: ReceiveCredit;
  readonly #decoder: TextDecoder;
  readonly #reassembler = new Reassembler();
  readonly #maxMessageBytes: number;
  readonly #sink: ChannelSink;
  readonly #receiveRecord: ReceiveRecord;
  /** Numbered records of this session. */
  received = 0;
  messagesReceived = 0;
  /** The peer's END, once it has arrived. */
  end: CloseInfo | undefined;

  constructor(windowBytes: number, maxMessageBytes: number, sink: ChannelSink, receiveRecord: ReceiveRecord, decoder = newDecoder()) {
    this.#decoder = decoder;
    this.credit = new ReceiveCredit(windowBytes);
    this.#maxMessageBytes = maxMessageBytes;
    this.#sink = sink;
    this.#receiveRecord = receiveRecord;
  }

  /** Memory of unread messages and of the fragments of an incomplete message. */
  get heldBytes(): number {
    return this.credit.unread + this.#reassembler.capacity;
  }

  /** Processes the current record of the reader: a numbered or a volatile one. */
  take(record: RecordReader): Fault | undefined {
    const length = record.end - record.start;
    if (!isNumbered(record.kind)) return this.#volatile(record, length);
    if (this.end !== undefined) return malformed('a record after END');
    if (!this.credit.receive(costOf(record.kind, length))) return overLimit('more than its credit');
    if (record.kind !== Kind.end && this.#reassembler.length + length > this.#limitOf(record.kind)) return this.#tooBig();
    this.received += 1;
    return this.#numbered(record, length);
  }

  /** A new session, with this limit announced. */
  reset(limit: number): void {
    this.credit.reset(limit);
    this.#reassembler.clear();
    this.received = 0;
    this.messagesReceived = 0;
    this.end = undefined;
  }

  #numbered(record: RecordReader, length: number): Fault | undefined {
    const { batch, start, end, kind } = record;
    if (kind === Kind.chunk) {
      if (length === 0) return malformed('an empty CHUNK');
      this.#reassembler.add(batch.subarray(start, end), this.#limitOf(kind));
      return undefined;
    }
    if (kind === Kind.end) return this.#goodbye(record);
    const isMessage = kind === Kind.text || kind === Kind.binary;
    if (this.#reassembler.length === 0 && !isMessage) return this.#receiveRecord(kind, batch, start, end);
    let body: Uint8Array<ArrayBuffer>;
    if (this.#reassembler.length > 0) {
      this.#reassembler.add(batch.subarray(start, end), this.#limitOf(kind));
      body = this.#reassembler.take();
      if (!isMessage) return this.#receiveRecord(kind, body, 0, body.length);
    } else body = this.#bodyOf(record);
    this.messagesReceived += 1;
    return this.#deliver(kind === Kind.text, body);
  }

  #volatile(record: RecordReader, length: number): Fault | undefined {
    if (length > this.#maxMessageBytes) return this.#tooBig();
    if (!this.credit.isBehind) return this.#deliver(record.kind === Kind.volatileText, this.#bodyOf(record));
    this.#sink.shed();
    return undefined;
  }

  /** The last part tells what a CHUNK belongs to. */
  #limitOf(kind: number): number {
    return kind === Kind.chunk || kind === Kind.topic ? this.#maxMessageBytes + EXTENSION_BYTES : this.#maxMessageBytes;
  }

  #tooBig(): Fault {
    return overLimit(`a message over ${this.#maxMessageBytes} bytes`);
  }

  /** Text is decoded from the batch itself; bytes are copied, so that a few of them do not keep the batch alive. */
  #bodyOf({ kind, batch, start, end }: RecordReader): Uint8Array<ArrayBuffer> {
    const view = batch.subarray(start, end) as Uint8Array<ArrayBuffer>;
    return kind === Kind.text || kind === Kind.volatileText ? view : new Uint8Array(view);
  }

  #deliver(isText: boolean, body: Uint8Array<ArrayBuffer>): Fault | undefined {
    const message: Message | undefined = isText ? decodeText(body, this.#decoder) : body;
    if (message === undefined) return malformed('invalid UTF-8');
    this.credit.deliver(body.length);
    this.#sink.deliver(message, body.length);
    return undefined;
  }

  #goodbye({ batch, start, end }: RecordReader): Fault | undefined {
    if (this.#reassembler.length > 0) return malformed('an END inside a message');
    this.end = decodeGoodbye(batch.subarray(start, end));
    return this.end === undefined ? malformed('an invalid END') : undefined;
  }
}
