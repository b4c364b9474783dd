import * as CloseCode from '../../src/core/close-codes.js';
import type { WebsocketError } from '../../src/core/errors.js';
import { utf8Length } from '../../src/core/message-bytes.js';
import type { DialRequest, Transport, TransportEvents } from '../../src/core/transport.js';
import type { CloseInfo, Message } from '../../src/core/types.js';

/** The abilities of a transport: Node's has both, a browser's neither. */
export interface TransportAbilities {
  readonly canPing: boolean;
  readonly canPause: boolean;
}

/** A transport without a network: the test plays the peer and the operating system. */
export class MemoryTransport implements Transport {
  readonly request: DialRequest;
  /** The callbacks of the transport's owner. A test may call them to play a late event, which a correct transport never reports. */
  events: TransportEvents;
  readonly ping?: () => void;
  readonly pause?: () => void;
  readonly resume?: () => void;
  isOpen = false;
  protocol = '';
  bufferedBytes = 0;
  /** Everything sent, in order. */
  readonly sent: (string | Uint8Array)[] = [];
  pings = 0;
  isPaused = false;
  /** Whether the socket accepts nothing more although `closed` has not been reported yet. */
  isEnding = false;
  /** Whether pings are answered; a test turns it off to simulate a half-open connection. */
  answersPings = true;
  /** Whether a close frame is answered. */
  answersClose = true;
  /** Whether sent bytes stay in the transport's own buffer until `flush`. */
  isCongested = false;
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  /** Set once the owner has destroyed the transport, with the code of its close frame, if any. */
  detachedWith: { readonly code: number | undefined; readonly reason: string | undefined } | undefined;
  #isOver = false;

  constructor(request: DialRequest, events: TransportEvents, abilities: TransportAbilities) {
    this.request = request;
    this.events = events;
    if (abilities.canPing) this.ping = () => this.#pinged();
    if (abilities.canPause) {
      this.pause = () => {
        this.isPaused = true;
      };
      this.resume = () => {
        this.isPaused = false;
      };
    }
  }

  /** True from the start of the attempt until either side has ended it. */
  get isLive(): boolean {
    return !this.#isOver;
  }

  // The owner's side.

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(message);
    if (this.isCongested) this.bufferedBytes += typeof message === 'string' ? utf8Length(message) : message.byteLength;
  }

  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
    if (this.answersClose) queueMicrotask(() => this.closeFromPeer(code, reason));
  }

  detach(code?: number, reason?: string): void {
    this.detachedWith = { code, reason };
    this.#isOver = true;
  }

  // The side of the peer and the network.

  accept(protocol = ''): this {
    this.protocol = protocol;
    if (this.#isOver) return this;
    this.isOpen = true;
    this.events.opened();
    return this;
  }

  /** The handshake fails; the error has the details that the platform knows. */
  refuse(error?: WebsocketError): void {
    this.#end({ code: CloseCode.abnormal, reason: error?.message ?? '', wasClean: false }, error);
  }

  deliver(...messages: Message[]): void {
    for (const message of messages) {
      if (!this.#isOver) this.events.received(message, typeof message === 'string' ? utf8Length(message) : message.byteLength);
    }
  }

  closeFromPeer(code: number = CloseCode.normal, reason = ''): void {
    this.#end({ code, reason, wasClean: true });
  }

  /** The connection is lost without a closing handshake. */
  breakOff(error?: WebsocketError): void {
    this.#end({ code: CloseCode.abnormal, reason: '', wasClean: false }, error);
  }

  /** The operating system accepts buffered bytes until only the given number is left. */
  flush(leftBytes = 0): void {
    this.bufferedBytes = leftBytes;
    if (!this.#isOver) this.events.drained();
  }

  #pinged(): void {
    this.pings += 1;
    if (this.answersPings) queueMicrotask(() => this.#isOver || this.events.pong());
  }

  #end(info: CloseInfo, error?: WebsocketError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.events.closed(info, error);
  }
}
