import * as CloseCode from './close-codes.js';
import { abnormalClose } from './close-codes.js';
import { Connection } from './connection.js';
import { accepted } from './machine.js';
import { type Dialing, goodbyeOf } from './state.js';
import type { AcceptedTransport } from './transport.js';

/** A server's connection: its peer opens the transports. */
export class AcceptingConnection extends Connection {
  #accepted: AcceptedTransport | undefined;

  /** Continues over a transport that the peer has opened. Returns false if the connection is closed, or closes for good. */
  accept(transport: AcceptedTransport): boolean {
    this.#accepted = transport;
    if (this.current.at === 'idle') return true; // for `connect`
    this.become(accepted(this.current));
    return this.#accepted === undefined;
  }

  protected override openTransport(state: Dialing): void {
    const accepted = this.#accepted;
    if (accepted === undefined) {
      super.openTransport(state);
      return;
    }
    this.#accepted = undefined;
    if (this.transport !== undefined) this.#replaced(state.failures, goodbyeOf(state) !== undefined);
    this.startConnectTimer();
    accepted.events = this.transportEvents(state.transport);
    this.transport = accepted;
    this.channel.attach(accepted);
  }

  /** The old transport is not known to be dead. */
  #replaced(attempt: number, isClosing: boolean): void {
    this.detachTransport({ code: CloseCode.takenOver, reason: 'taken over' });
    const cause = abnormalClose('The peer reconnected while its old connection was open.');
    if (!isClosing) this.reports.add((reports) => reports.retrying({ attempt, delayMs: 0, cause }));
  }
}
