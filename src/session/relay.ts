import type { WebsocketError } from '../core/errors.js';
import type { Transport, TransportEvents } from '../core/transport.js';
import type { CloseInfo, Message } from '../core/types.js';

/** The events of a transport whose owner changes: first whoever reads the handshake, then the client that it belongs to. */
export class Relay implements TransportEvents {
  #target: TransportEvents | undefined;
  #transport: Transport | undefined;

  get transport(): Transport {
    return this.#transport as Transport;
  }

  /** @param makeWire makes the transport, with this for its events. */
  start(makeTransport: (events: TransportEvents) => Transport, target: TransportEvents): void {
    this.#target = target;
    this.#transport = makeTransport(this);
  }

  handTo(target: TransportEvents): void {
    this.#target = target;
  }

  opened(): void {
    this.#target?.opened();
  }

  received(message: Message, bytes: number): void {
    this.#target?.received(message, bytes);
  }

  alive(): void {
    this.#target?.alive();
  }

  pong(): void {
    this.#target?.pong();
  }

  drained(): void {
    this.#target?.drained();
  }

  closed(info: CloseInfo, error?: WebsocketError): void {
    this.#target?.closed(info, error);
  }
}
