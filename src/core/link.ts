import type { WebsocketError } from './errors.js';
import type { CloseInfo, Continuity, Delivery, Message } from './types.js';
import type { Wire } from './wire.js';

/**
 * What carries a client's messages over one wire after another. The plain link passes each message through; a
 * session numbers, batches and keeps them. A link outlives its wires and has at most one at a time.
 */
export interface Link {
  /** Bytes accepted and not yet handed to the network, the current wire's own buffer included. */
  readonly bufferedBytes: number;
  /** Subprotocols to offer in the handshake, given the application's. */
  offer(protocols: readonly string[]): readonly string[];
  /** The application's subprotocol, given the wire's. */
  protocolOf(wire: Wire): string;
  /** Takes the message or throws `OUTBOX_FULL`. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void;
  /** The wire has opened. The link calls `host.ready` now or later, before it delivers anything. */
  attach(wire: Wire): void;
  /** The wire is gone. */
  detach(): void;
  received(message: Message, bytes: number): void;
  /** The wire's buffer is below its mark again. */
  drained(): void;
  /** The application has taken this much from the inbox. */
  consumed(bytes: number): void;
  /** Hands over what waits, then starts the closing handshake; where the link resumes and has no wire, over the next. */
  close(code: number, reason: string): void;
  /** The connection is down for good: what was accepted and never left, or never acknowledged. */
  end(): Leftover;
  /** A ping of the link's own, for platforms whose wires have none. */
  readonly ping?: () => void;
  /** True where what was accepted outlives a wire: after a break the link goes on where it was. */
  readonly resumes: boolean;
  /** Of a link that resumes: true while a next wire would bring nothing, as no session is to be ended and no message waits. */
  readonly isDone?: boolean;
  /** True where the peer stops when the inbox is not read, so that a full inbox is no fault. */
  readonly holdsPeer: boolean;
  /** Largest WebSocket message that this link reads; undefined where that is the largest message. */
  readonly maxFrameBytes?: number;
}

/** `messages` and `bytes` count what never left. */
export interface Leftover {
  readonly messages: number;
  readonly bytes: number;
  /** Where a link knows what arrived: all that the peer did not acknowledge, oldest first. */
  readonly undelivered?: readonly Message[];
}

/** What a link needs from its connection. */
export interface LinkHost {
  /** Messages may flow. */
  ready(continuity: Continuity): void;
  deliver(message: Message, bytes: number): void;
  sent(bytes: number): void;
  shed(): void;
  /** `bufferedBytes` went down. */
  drained(): void;
  pong(): void;
  /** The peer broke the rules: close this wire with the code. */
  fail(code: number, error: WebsocketError): void;
}

/** What a session needs beside it. */
export interface SessionHost extends LinkHost {
  /** A round trip that the link timed itself. */
  measured(rttMs: number): void;
  /** Left out: nobody asks. So many messages, the oldest that were accepted, have arrived. */
  acknowledged?(messages: number): void;
  /** Messages of a session that is gone: the peer did not acknowledge them. */
  undelivered(messages: readonly Message[]): void;
  /** The peer does not take what was accepted for it: the connection ends for good, and its close frame has the code. */
  giveUp(code: number, error: WebsocketError): void;
  /** The peer asked to wait before the next attempt. */
  retryAfter(delayMs: number): void;
  /** Both sides know that the session is over; the wire closes with the code. */
  ended(info: CloseInfo): void;
}

export type MakeLink = (host: SessionHost) => Link;
