import type { WebsocketError } from './errors.js';
import type { CloseInfo, Message } from './types.js';

/**
 * One physical WebSocket: what a platform must provide. Implementations MUST NOT throw from any of these, and MUST
 * NOT call an event before the function that made the transport has returned.
 */
export interface Transport {
  /** True from the start for a transport that was accepted rather than dialled; `opened` never comes for it. */
  readonly isOpen: boolean;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  /** Bytes handed over by `send` and not yet given to the operating system. */
  readonly bufferedBytes: number;
  /** True once the socket takes nothing more, although `closed` has still to come: what is sent then would be lost. */
  readonly isEnding?: boolean;
  send(message: string | Uint8Array<ArrayBuffer>): void;
  /** Starts the closing handshake, after everything sent before. `closed` follows. */
  close(code: number, reason: string): void;
  /**
   * Lets go of the socket: no event of it arrives any more. With a code the closing handshake is still
   * tried, unattended; without one the socket is dropped, as a dead link needs.
   */
  detach(code?: number, reason?: string): void;
  /** Where the platform gathers what is sent in one turn: writes it to the socket now. */
  readonly flush?: (() => void) | undefined;
  /** Where the platform can: a ping frame. Its pong arrives as `pong`. */
  readonly ping?: () => void;
  /** Where the platform can: stops reading the socket, so that TCP slows the sender. */
  readonly pause?: () => void;
  readonly resume?: () => void;
}

/** What a transport tells its owner. `closed` comes once and last, also when it never opened. */
export interface TransportEvents {
  opened(): void;
  /** `bytes` is the size of the payload on the wire. A binary message may be a view into a larger buffer: the channel copies what it keeps. */
  received(message: Message, bytes: number): void;
  /** A ping or pong frame: no message, but proof of life. */
  alive(): void;
  pong(): void;
  /** `bufferedBytes` had been over the wire's mark and is below it again. */
  drained(): void;
  /** `error` says more where the platform tells more than a code. */
  closed(info: CloseInfo, error?: WebsocketError): void;
}

export interface DialRequest {
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly maxMessageBytes: number;
  readonly closeTimeoutMs: number;
  /** Headers, TLS and agent options; only a platform with `acceptsNodeOptions` is given any. */
  readonly node: Readonly<Record<string, unknown>>;
}

/** Starts an opening handshake and returns at once. */
export type Dial = (request: DialRequest, events: TransportEvents) => Transport;
