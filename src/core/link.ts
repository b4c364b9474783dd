import type { WebsocketError } from './errors.js';
import type { Continuity, Delivery, Message } from './types.js';
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
  /** Hands over what waits, then starts the closing handshake. */
  close(code: number, reason: string): void;
  /** The connection is down for good: what was accepted and never left. */
  end(): Leftover;
  /** A ping of the link's own, for platforms whose wires have none. */
  readonly ping?: () => void;
  /** True where the peer stops when the inbox is not read, so that a full inbox is no fault. */
  readonly holdsPeer: boolean;
}

export interface Leftover {
  readonly messages: number;
  readonly bytes: number;
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

export type MakeLink = (host: LinkHost) => Link;
