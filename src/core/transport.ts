import type { WebsocketError } from './errors.js';
import type { CloseInfo, Message } from './types.js';

/**
 * One physical WebSocket, or its equivalent, which a platform must provide. Implementations MUST NOT throw from any of these, and
 * MUST NOT call an event before the function that made the transport has returned.
 */
export interface Transport {
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  /** Bytes handed over by `send` and not yet given to the operating system. */
  readonly bufferedBytes: number;
  /** True once the socket takes nothing more, although `closed` has still to come: a message that is sent then would be lost. */
  readonly isEnding?: boolean;
  /** @param bytes the size of the message, where it is known. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes?: number): void;
  /** Starts the closing handshake, after everything sent before. `closed` follows. */
  close(code: number, reason: string): void;
  /**
   * Gives the socket up: no event of it arrives any more. With a code the closing handshake is still
   * tried, unattended; without one the socket is destroyed, as a dead link needs.
   */
  detach(code?: number, reason?: string): void;
  /** On a platform that collects the messages of one turn: writes them to the socket now. */
  readonly flush?: (() => void) | undefined;
  /** Where the platform can: a ping frame. Its pong arrives as `pong`. */
  readonly ping?: () => void;
  /** Where the platform can: stops reading the socket, so that TCP slows the sender. */
  readonly pause?: () => void;
  readonly resume?: () => void;
}

/** A transport that the peer has opened: `opened` never comes for it. The server reads its first message, and then hands it to a connection. */
export interface AcceptedTransport extends Transport {
  /** Set before the turn ends in which the transport was made. */
  events: TransportEvents;
}

/** The reports of a transport to its owner. `closed` comes once and last, also when it never opened. */
export interface TransportEvents {
  opened(): void;
  /** `bytes` is the size of the payload. A binary message may be a view into a larger buffer: the channel copies what it keeps. */
  received(message: Message, bytes: number): void;
  /** A ping or pong frame: no message, but proof of life. */
  alive(): void;
  pong(): void;
  /** `bufferedBytes` had been over the mark and is below it again. */
  drained(): void;
  /** `error` says more where the platform reports more than a code. */
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
