import { publicAddress } from './address.js';
import type { Cancel, Clock } from './clock.js';
import * as CloseCode from './close-codes.js';
import { abnormalClose } from './close-codes.js';
import { type ErrorContext, makeError } from './errors.js';
import { sizeOf } from './message-bytes.js';
import { TRANSPORT_MARK_BYTES } from './plain-channel.js';
import type { DialRequest, Transport, TransportEvents } from './transport.js';
import type { Message } from './types.js';

/** The part of the WHATWG WebSocket interface that is used: whatever runtime it comes from. */
export interface WhatwgWebSocket {
  readonly readyState: number;
  /** React Native has none. */
  readonly bufferedAmount: number | undefined;
  /** Undefined in React Native, and null in workerd, where the standard has ''. */
  readonly protocol: string | null | undefined;
  binaryType: string;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string; wasClean?: boolean }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

const OPEN = 1;

/**
 * The standard has no event for a drained buffer, so it is polled while it is not empty. No more than the high-water mark can
 * be sent between two polls, so this bounds the throughput (16 MB/s); browsers clamp nested timers to it anyway.
 */
const DRAIN_POLL_MS = 4;

/** The standard lets an application send 1000 and 3000-4999 only; RFC 6455's own codes go out as 4000 plus their last digits. */
export function whatwgCloseCode(code: number): number {
  return code === CloseCode.normal || code >= 3000 ? code : code + 3000;
}

/** The part of a request that the transport needs. */
export type WhatwgRequest = Pick<DialRequest, 'url' | 'protocols' | 'maxMessageBytes'>;

/** A native WebSocket. It has no ping and no pause: the standard has neither. */
export class WhatwgTransport implements Transport {
  readonly #socket: WhatwgWebSocket;
  readonly #events: TransportEvents;
  readonly #request: WhatwgRequest;
  readonly #clock: Clock;
  #cancelPoll: Cancel | undefined;
  #wasOpen = false;

  constructor(socket: WhatwgWebSocket, events: TransportEvents, request: WhatwgRequest, clock: Clock) {
    this.#socket = socket;
    this.#events = events;
    this.#request = request;
    this.#clock = clock;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      receiveUpTo(request.maxMessageBytes, typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer), this, events);
    };
    // React Native does not say whether it was clean.
    socket.onclose = ({ code, reason, wasClean = code !== CloseCode.abnormal }) => {
      this.#cancelPoll?.();
      if (!this.#wasOpen) this.#connectFailed();
      // Deno's code for a socket that ends without a close frame.
      else events.closed(code === 0 ? abnormalClose(reason) : { code, reason, wasClean });
    };
    // The event has no details, and `close` follows, except after a failed handshake in Node before 24.
    socket.onerror = () => {
      if (!this.#wasOpen) this.#connectFailed();
    };
  }

  get protocol(): string {
    return this.#socket.protocol ?? '';
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount ?? 0;
  }

  get isEnding(): boolean {
    return this.#socket.readyState > OPEN;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState !== OPEN) return; // its `close` event follows
    this.#socket.send(typeof message === 'string' ? wellFormed(message) : message);
    if (this.#cancelPoll === undefined && this.bufferedBytes > 0) this.#poll();
  }

  close(code: number, reason: string): void {
    this.#socket.close(whatwgCloseCode(code), reason);
  }

  detach(code: number = CloseCode.goingAway, reason = ''): void {
    this.#release();
    this.close(code, reason);
  }

  /** Deno, workerd and WebKitGTK do not check the subprotocol that the server chose (RFC 6455, 4.1); React Native does not know it. */
  #opened(): void {
    const { protocols } = this.#request;
    const { protocol } = this;
    if (this.#socket.protocol === undefined || (protocols.length === 0 ? protocol === '' : protocols.includes(protocol))) {
      this.#wasOpen = true;
      this.#events.opened();
    } else {
      this.detach(CloseCode.protocolError, 'subprotocol');
      this.#connectFailed({ protocol });
    }
  }

  #connectFailed(facts?: ErrorContext): void {
    this.#release();
    const error = makeError('CONNECT_FAILED', { address: publicAddress(this.#request.url), ...facts });
    this.#events.closed(abnormalClose(error.message), error);
  }

  #release(): void {
    this.#cancelPoll?.();
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
  }

  /** Reports when the buffer has shrunk since the last poll. */
  #poll(before?: number): void {
    this.#cancelPoll = this.#clock.after(DRAIN_POLL_MS, () => {
      this.#cancelPoll = undefined;
      const left = this.bufferedBytes;
      if (left > 0) this.#poll(left);
      if (left < TRANSPORT_MARK_BYTES && left !== before) this.#events.drained();
    });
  }
}

/** The standard's `send` does so itself; workerd sends a lone surrogate as it is, and the peer closes with 1007. */
function wellFormed(text: string): string {
  return (text as { toWellFormed?: () => string }).toWellFormed?.() ?? text;
}

/** Delivers a message within the limit. A larger one, which the platform has read by then, ends the transport. */
export function receiveUpTo(limit: number, message: Message, transport: Transport, events: TransportEvents): void {
  const size = sizeOf(message);
  if (size <= limit) {
    events.received(message, size);
    return;
  }
  const closeCode = CloseCode.messageTooBig;
  const error = makeError('MESSAGE_TOO_BIG', { size, limit, closeCode });
  transport.detach(closeCode, 'message too big');
  events.closed({ code: closeCode, reason: error.message, wasClean: false }, error);
}
