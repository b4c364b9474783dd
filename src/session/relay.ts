import type { WebsocketError } from '../core/errors.js';
import type { CloseInfo, Message } from '../core/types.js';
import type { Wire, WireEvents } from '../core/wire.js';

/** The events of a wire whose owner changes: first whoever reads the handshake, then the client that it belongs to. */
export class Relay implements WireEvents {
  #target: WireEvents | undefined;
  #wire: Wire | undefined;

  get wire(): Wire {
    return this.#wire as Wire;
  }

  /** @param makeWire makes the wire, with this for its events. */
  start(makeWire: (events: WireEvents) => Wire, target: WireEvents): void {
    this.#target = target;
    this.#wire = makeWire(this);
  }

  handTo(target: WireEvents): void {
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
