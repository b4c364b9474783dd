import type { WebsocketError } from './errors.js';
import type { Transport } from './transport.js';
import type { CloseInfo, Continuity, Delivery, Message } from './types.js';

/**
 * What carries a client's messages over one transport after another. The plain channel passes each message through; a
 * session numbers, batches and keeps them. A channel outlives its transports and has at most one at a time.
 */
export interface Channel {
  /** Bytes accepted and not yet handed to the network, the current transport's own buffer included. */
  readonly bufferedBytes: number;
  /** Subprotocols to offer in the handshake, given the application's. */
  offer(protocols: readonly string[]): readonly string[];
  /** The application's subprotocol, given the transport's. */
  protocolOf(transport: Transport): string;
  /** Takes the message or throws `OUTBOX_FULL`. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void;
  /** The transport has opened. The channel calls `host.ready` now or later, before it delivers anything. */
  attach(transport: Transport): void;
  /** The transport is gone. */
  detach(): void;
  received(message: Message, bytes: number): void;
  /** The transport's buffer is below its mark again. */
  drained(): void;
  /** The application has taken this much from the inbox. */
  consumed(bytes: number): void;
  /** Hands over what waits, then starts the closing handshake; where the channel resumes and has no transport, over the next. */
  close(code: number, reason: string): void;
  /** The connection is down for good: what was accepted and never left, or never acknowledged. */
  end(): Leftover;
  /** A ping of the link's own, for platforms whose transports have none. */
  readonly ping?: () => void;
  /** True where what was accepted outlives a transport: after a break the link goes on where it was. */
  readonly resumes: boolean;
  /** Of a channel that resumes: true while a next transport would bring nothing, as no session is to be ended and no message waits. */
  readonly isDone?: boolean;
  /** True where the peer stops when the inbox is not read, so that a full inbox is no fault. */
  readonly holdsPeer: boolean;
  /** Largest WebSocket message that this channel reads; undefined where that is the largest message. */
  readonly maxFrameBytes?: number;
}

/** `messages` and `bytes` count what never left. */
export interface Leftover {
  readonly messages: number;
  readonly bytes: number;
  /** Where a channel knows what arrived: all that the peer did not acknowledge, oldest first. */
  readonly undelivered?: readonly Message[];
}

/** What a link needs from its connection. */
export interface ChannelEvents {
  /** Messages may flow. */
  ready(continuity: Continuity): void;
  deliver(message: Message, bytes: number): void;
  sent(bytes: number): void;
  shed(): void;
  /** `bufferedBytes` went down. */
  drained(): void;
  pong(): void;
  /** The peer broke the rules: close this transport with the code. */
  fail(code: number, error: WebsocketError): void;
}

/** What a session needs beside it. */
export interface SessionEvents extends ChannelEvents {
  /** A round trip that the channel timed itself. */
  measured(rttMs: number): void;
  /** Left out: nobody asks. So many messages, the oldest that were accepted, have arrived. */
  acknowledged?(messages: number): void;
  /** Messages of a session that is gone: the peer did not acknowledge them. */
  undelivered(messages: readonly Message[]): void;
  /** The peer does not take what was accepted for it: the connection ends for good, and its close frame has the code. */
  terminate(code: number, error: WebsocketError): void;
  /** The peer asked to wait before the next attempt. */
  retryAfter(delayMs: number): void;
  /** Both sides know that the session is over; the transport closes with the code. */
  ended(info: CloseInfo): void;
}

export type MakeChannel = (host: SessionEvents) => Channel;
