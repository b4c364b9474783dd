import { isUtf8 } from 'node:buffer';
import { isSendable } from '../../src/core/close-codes.js';
import { Opcode } from '../support/raw-peer.js';

/** A frame that violates no rule. */
export interface StrictFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
  /** The mask of a client's frame. */
  readonly mask: Buffer | undefined;
}

interface Header {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly mask: Buffer | undefined;
  readonly headBytes: number;
  readonly payloadBytes: number;
}

/** Reads the bytes that one of our halves writes, and checks every rule of RFC 6455 for a sender. */
export class StrictReader {
  readonly frames: StrictFrame[] = [];
  /** Violations in words, with the section. Nothing is read after the first. */
  readonly faults: string[] = [];
  readonly #sender: 'client' | 'server';
  #rest: Buffer = Buffer.alloc(0);
  /** The fragments of an incomplete message. */
  #open: StrictFrame[] = [];

  constructor(sender: 'client' | 'server') {
    this.#sender = sender;
  }

  /** The bytes of an incomplete frame. */
  get pendingBytes(): number {
    return this.#rest.length;
  }

  get messages(): (string | Buffer)[] {
    const messages: (string | Buffer)[] = [];
    let fragments: StrictFrame[] = [];
    for (const frame of this.frames) {
      if (isControl(frame.opcode)) continue;
      fragments.push(frame);
      if (!frame.isFinal) continue;
      const payload = Buffer.concat(fragments.map((fragment) => fragment.payload));
      messages.push(fragments[0]?.opcode === Opcode.text ? payload.toString() : payload);
      fragments = [];
    }
    return messages;
  }

  get pongs(): string[] {
    return this.frames.filter(({ opcode }) => opcode === Opcode.pong).map(({ payload }) => payload.toString('latin1'));
  }

  /** Undefined before a close frame has arrived. */
  get closeCode(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === Opcode.close);
    if (close === undefined) return undefined;
    return close.payload.length === 0 ? 1005 : close.payload.readUInt16BE();
  }

  get closeReason(): string | undefined {
    return this.frames
      .find(({ opcode }) => opcode === Opcode.close)
      ?.payload.subarray(2)
      .toString();
  }

  push(bytes: Uint8Array): void {
    if (this.faults.length > 0) return;
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    while (this.faults.length === 0) {
      const header = this.#header();
      if (header === undefined || this.#rest.length < header.headBytes + header.payloadBytes) return;
      this.#take(header);
    }
  }

  /** Undefined when incomplete or wrong. */
  #header(): Header | undefined {
    const [first = 0, second = 0] = this.#rest;
    const lengthBytes = { 126: 2, 127: 8 }[second & 0x7f] ?? 0;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    const headBytes = 2 + lengthBytes + maskBytes;
    if (this.#rest.length < headBytes) return undefined;
    const payloadBytes = this.#payloadBytes(second & 0x7f);
    const mask = maskBytes === 0 ? undefined : this.#rest.subarray(headBytes - 4, headBytes);
    const header = { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, mask, headBytes, payloadBytes };
    const fault =
      (first & 0x70) !== 0 ? '5.2: a reserved bit is set' : (this.#lengthFault(second & 0x7f, payloadBytes) ?? this.#headerFault(header));
    if (fault === undefined) return header;
    this.faults.push(fault);
    return undefined;
  }

  #payloadBytes(short: number): number {
    if (short === 126) return this.#rest.readUInt16BE(2);
    return short === 127 ? Number(this.#rest.readBigUInt64BE(2)) : short;
  }

  #lengthFault(short: number, bytes: number): string | undefined {
    if (bytes > Number.MAX_SAFE_INTEGER) return '5.2: a length that no memory holds';
    const shortest = bytes < 126 ? bytes : bytes < 65_536 ? 126 : 127;
    return short === shortest ? undefined : `5.2: ${bytes} bytes, and not the shortest length field`;
  }

  #headerFault({ opcode, isFinal, mask, payloadBytes }: Header): string | undefined {
    if ((mask !== undefined) !== (this.#sender === 'client')) return `5.1: a ${this.#sender}'s frame ${mask ? 'with' : 'without'} a mask`;
    if (!Object.values<number>(Opcode).includes(opcode)) return `5.2: opcode ${opcode}`;
    if (this.closeCode !== undefined) return `5.5.1: a frame of opcode ${opcode} after the close frame`;
    if (isControl(opcode)) {
      if (!isFinal) return '5.5: a control frame in fragments';
      return payloadBytes > 125 ? `5.5: a control frame of ${payloadBytes} bytes` : undefined;
    }
    const continues = opcode === Opcode.continuation;
    return continues === this.#open.length > 0 ? undefined : `5.4: opcode ${opcode} ${continues ? 'of nothing' : 'within a message'}`;
  }

  #take({ opcode, isFinal, mask, headBytes, payloadBytes }: Header): void {
    const payload = Buffer.from(this.#rest.subarray(headBytes, headBytes + payloadBytes));
    if (mask !== undefined) for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % 4] as number);
    const frame: StrictFrame = { opcode, isFinal, payload, mask: mask && Buffer.from(mask) };
    this.#rest = this.#rest.subarray(headBytes + payloadBytes);
    this.frames.push(frame);
    const fault = isControl(opcode) ? controlFault(frame) : this.#messageFault(frame);
    if (fault !== undefined) this.faults.push(fault);
  }

  #messageFault(frame: StrictFrame): string | undefined {
    this.#open.push(frame);
    if (!frame.isFinal) return undefined;
    const isText = this.#open[0]?.opcode === Opcode.text;
    const payload = Buffer.concat(this.#open.map((fragment) => fragment.payload));
    this.#open = [];
    return isText && !isUtf8(payload) ? '8.1: a text message that is no UTF-8' : undefined;
  }
}

function isControl(opcode: number): boolean {
  return opcode >= 8;
}

function controlFault({ opcode, payload }: StrictFrame): string | undefined {
  if (opcode !== Opcode.close || payload.length === 0) return undefined;
  if (payload.length === 1) return '5.5.1: a close frame of one byte';
  if (!isSendable(payload.readUInt16BE())) return `7.4: close code ${payload.readUInt16BE()}`;
  return isUtf8(payload.subarray(2)) ? undefined : '5.5.1: a close reason that is no UTF-8';
}
