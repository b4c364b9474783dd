import type { WebsocketError } from './errors.js';
import type { Recover } from './state.js';
import type { Transport } from './transport.js';
import type { CloseInfo, Continuity, Delivery, Message } from './types.js';

/**
 * Carries a client's messages over one transport after another. The plain channel passes each message through; a
 * session numbers, batches and keeps them. A channel outlives its transports and has at most one at a time.
 */
export interface Channel {
  /** Bytes accepted and not yet handed to the network, the buffer of the present transport included. */
  readonly bufferedBytes: number;
  /** Subprotocols to offer in the handshake, given the application's. */
  offer(protocols: readonly string[]): readonly string[];
  /** The application's subprotocol, given the transport's. */
  protocolOf(transport: Transport): string;
  /** Takes the message or throws `OUTBOX_FULL`. Returns the bytes that waited before it, as far as they are known. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number;
  /** The transport has opened. The channel calls `ready` now or later, before it delivers anything. */
  attach(transport: Transport): void;
  /** The transport is gone. */
  detach(): void;
  received(message: Message, bytes: number): void;
  /** The buffer of the transport is below its mark again. */
  drained(): void;
  /** The application has taken this much from the inbox. */
  consumed(bytes: number): void;
  /** Sends the messages that wait, then starts the closing handshake; where the channel resumes and has no transport, over the next. */
  close(code: number, reason: string): void;
  /** The connection is down for good: what was accepted and never left, or never acknowledged. */
  end(): Leftover;
  /** A ping of the channel's own, for platforms whose transports have none. */
  readonly ping?: () => void;
  /** What follows a lost transport. */
  readonly recover: Recover;
  /** True where accepted messages outlive a transport: after a disconnect the channel goes on where it was. */
  readonly resumes: boolean;
  /** Of a channel that resumes: true while a next transport would bring nothing, as there is no session to end and no message waits. */
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

/** What a channel is made with, once: the two sides that it reports to. */
export interface ChannelContext {
  readonly sink: ChannelSink;
  readonly control: ChannelControl;
}

/** The client's side: messages and counts. */
export interface ChannelSink {
  deliver(message: Message, bytes: number): void;
  sent(bytes: number): void;
  shed(): void;
  /** `bufferedBytes` went down. */
  drained(): void;
  /** A round trip was measured. */
  measured(rttMs: number): void;
  /** Left out: nothing asks. So many messages, the oldest that were accepted, have arrived. */
  acknowledged?(messages: number): void;
}

/** The connection's side: what moves its state. */
export interface ChannelControl {
  /** Messages may flow. */
  ready(continuity: Continuity): void;
  pong(): void;
  /** The peer broke the rules: the transport closes with the code. */
  fail(code: number, error: WebsocketError): void;
  /** Both sides know that the session is over; the transport closes with the code. */
  ended(info: CloseInfo): void;
  /** The connection ends for good, and its close frame has the code. */
  terminate(info: CloseInfo, error: WebsocketError): void;
  /** The peer asked to wait before the next attempt. */
  retryAfter(delayMs: number): void;
  /** Messages of a session that is gone: the peer did not acknowledge them. */
  undelivered(messages: readonly Message[]): void;
}

export type MakeChannel = (context: ChannelContext) => Channel;
