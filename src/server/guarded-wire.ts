import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import type { WebsocketError } from '../core/errors.js';
import type { Dial, Wire, WireEvents } from '../core/wire.js';
import { NodeWire } from '../platform/node/wire.js';

/** Decides about each message before anybody sees it; an error ends the connection. */
export type Guard = () => { code: number; error: WebsocketError } | undefined;

/** An accepted WebSocket, as the wire of a client that has nothing to dial. */
export class GuardedWire {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #guard: Guard | undefined;
  #wire: NodeWire | undefined;
  #events: WireEvents | undefined;

  constructor(ws: WebSocket, socket: Duplex, guard: Guard | undefined) {
    this.#ws = ws;
    this.#socket = socket;
    this.#guard = guard;
  }

  readonly dial: Dial = ({ maxMessageBytes }, events): Wire => {
    this.#events = events;
    const guarded = this.#guard === undefined ? events : this.#guarded(events, this.#guard);
    this.#wire = new NodeWire(this.#ws, guarded, { socket: this.#socket, maxMessageBytes });
    return this.#wire;
  };

  /** Closes with the code, unattended, and tells the client at once: what it holds for a peer at fault is let go. */
  end(code: number, error: WebsocketError): void {
    this.#wire?.detach(code, error.code);
    this.#events?.closed({ code, reason: error.code, wasClean: false }, error);
  }

  /** Without a closing handshake. */
  drop(): void {
    this.#socket.destroy();
  }

  #guarded(events: WireEvents, guard: Guard): WireEvents {
    return {
      ...events,
      received: (message, bytes) => {
        const fault = guard();
        if (fault === undefined) events.received(message, bytes);
        else this.end(fault.code, fault.error);
      },
    };
  }
}
