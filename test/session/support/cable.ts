import type { Transport, TransportEvents } from '../../../src/core/transport.js';
import type { Message } from '../../../src/core/types.js';

type Frame = { readonly message: Message; readonly bytes: number } | { readonly code: number; readonly reason: string };

const MARK_BYTES = 64 * 1024;

/** One end of a cable. What it sends lies in `outbound` until the test delivers it. */
export class CableEnd implements Transport {
  protocol: string;
  events: TransportEvents | undefined;
  readonly outbound: Frame[] = [];
  /** Every message that was ever sent, for tests that look at the bytes. */
  readonly sent: Message[] = [];
  isOver = false;
  /** As Node's wires have it, and a browser's have not. */
  flush: (() => void) | undefined;
  /** What this end closed with, if it did. */
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  readonly #markBytes: number;
  #bufferedBytes = 0;

  constructor(protocol: string, markBytes = MARK_BYTES) {
    this.protocol = protocol;
    this.#markBytes = markBytes;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.isOver) return;
    const copy = typeof message === 'string' ? message : new Uint8Array(message);
    this.sent.push(copy);
    this.outbound.push({ message: copy, bytes: message.length });
    this.#bufferedBytes += message.length;
  }

  close(code: number, reason: string): void {
    if (this.isOver) return;
    this.closedWith = { code, reason };
    this.outbound.push({ code, reason });
  }

  detach(code?: number, reason?: string): void {
    if (code !== undefined) this.close(code, reason ?? '');
    this.events = undefined;
    this.isOver = true;
  }

  /** The first frame is on its way. */
  shift(): Frame | undefined {
    const frame = this.outbound.shift();
    if (frame === undefined || !('bytes' in frame)) return frame;
    const before = this.#bufferedBytes;
    this.#bufferedBytes -= frame.bytes;
    if (before >= this.#markBytes && this.#bufferedBytes < this.#markBytes) this.events?.drained();
    return frame;
  }

  /** The network takes it away: this end is told, once. */
  lose(code = 1006, reason = '', wasClean = false): void {
    const { events } = this;
    this.events = undefined;
    this.isOver = true;
    events?.closed({ code, reason, wasClean });
  }
}

/** A WebSocket in memory: two ends, and a test that decides when anything arrives. */
export class Cable {
  readonly client: CableEnd;
  readonly server: CableEnd;
  isCut = false;
  isFrozen = false;

  constructor(protocol: string, markBytes?: number) {
    this.client = new CableEnd(protocol, markBytes);
    this.server = new CableEnd(protocol, markBytes);
  }

  get isIdle(): boolean {
    return this.isCut || this.isFrozen || (this.client.outbound.length === 0 && this.server.outbound.length === 0);
  }

  /** Delivers one frame in this direction; false when there is none. */
  deliver(from: 'client' | 'server'): boolean {
    if (this.isCut || this.isFrozen) return false;
    const [source, target] = from === 'client' ? [this.client, this.server] : [this.server, this.client];
    const frame = source.shift();
    if (frame === undefined) return false;
    if ('message' in frame) target.events?.received(frame.message, frame.bytes);
    else {
      this.isCut = true;
      target.lose(frame.code, frame.reason, true);
      source.lose(frame.code, frame.reason, true);
    }
    return true;
  }
}
