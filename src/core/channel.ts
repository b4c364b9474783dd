import type { WebsocketError } from './errors.js';
import type { Extension, RecordPort } from './extension.js';
import type { Recover } from './state.js';
import type { Transport } from './transport.js';
import type { CloseInfo, Continuity, Delivery, Message } from './types.js';

/**
 * Carries a client's messages over one transport after another. The plain channel passes each message through; a
 * session numbers, batches and keeps them. A channel outlives its transports and has at most one at a time.
 */
export interface Channel {
  /** Bytes accepted and not yet written to the network, including the buffer of the current transport. */
  readonly bufferedBytes: number;
  /** Subprotocols to offer in the handshake, given the application's. */
  offer(protocols: readonly string[]): readonly string[];
  /** The application's subprotocol, given the transport's. */
  protocolOf(transport: Transport): string;
  /** Accepts the message or throws `OUTBOX_FULL`. Returns the bytes known to have been queued before it. */
  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number;
  /** The transport has opened. The channel calls `ready` now or later, before it delivers anything. */
  attach(transport: Transport): void;
  /** The transport is gone. */
  detach(): void;
  received(message: Message, bytes: number): void;
  /** The buffer of the transport is below its high-water mark again. */
  drained(): void;
  /** The application has read this many bytes from the inbox. */
  consumed(bytes: number): void;
  /** Sends the queued messages, then starts the closing handshake. A channel that resumes and has no transport does so over the next one. */
  close(code: number, reason: string): void;
  /** The connection is closed for good. Returns the accepted messages that were never sent, or never acknowledged. */
  end(): Leftover;
  /** The extension of this name, made the first time. A plain channel has none. */
  extension?<E extends Extension>(name: string, make: (port: RecordPort) => E): E;
  /** A ping in the channel's own protocol, for platforms whose transports have none. */
  readonly ping?: () => void;
  /** What follows a lost transport. */
  readonly recover: Recover;
  /** True if accepted messages outlive a transport: after a disconnect the channel continues. */
  readonly resumes: boolean;
  /** False while a close needs another transport if the present one is lost: there is a session to end, or a queued message. */
  readonly isDone: boolean;
  /** True if flow control stops the peer when the inbox is not read, so that a full inbox is not an error. */
  readonly holdsPeer: boolean;
  /** Largest WebSocket message that this channel reads; undefined where that is the largest message. */
  readonly maxFrameBytes?: number;
}

/** `messages` and `bytes` count the messages that were never sent. */
export interface Leftover {
  readonly messages: number;
  readonly bytes: number;
  /** If the channel knows which messages arrived: all that the peer did not acknowledge, oldest first. */
  readonly undelivered?: readonly Message[];
}

/** The two sides to which a channel reports. Created once. */
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
  /** Optional. A record of an extension was received. */
  counted?(): void;
  /** Optional. This many of the oldest accepted messages have arrived. */
  acknowledged?(messages: number): void;
}

/** The connection's side: the events that change its state. */
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
  /** Messages of a lost session that the peer did not acknowledge. */
  undelivered(messages: readonly Message[]): void;
}

export type MakeChannel = (context: ChannelContext) => Channel;
