import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  checkHandshake,
  checkRequest,
  isClosing,
  PendingHandshakes,
  servesPath,
  tookTooLong,
  tooManyOfAddress,
  wrongPath,
} from './handshake-checks.js';
import type { ServerSettings } from './options.js';
import { ignore, type Refusal, type Refusals } from './refusals.js';
import { addressOf } from './request.js';
import { ClosingSockets, Deadlines, SocketsByAddress } from './sockets.js';

/** The clients of a server, as its admission sees them. */
export interface Occupancy {
  /** Open clients, and sockets that may become clients. */
  readonly taken: number;
  /** Whether the request may be of a client that still counts as open. */
  mayBeReturning(request: IncomingMessage): boolean;
}

/** Decides which handshakes may become clients. Clients, pending handshakes and closing sockets all take places. */
export class Admission {
  readonly #settings: ServerSettings;
  readonly #refusals: Refusals;
  readonly #occupancy: Occupancy;
  readonly #deadlines: Deadlines;
  readonly #pending: PendingHandshakes;
  readonly #closingSockets = new ClosingSockets();
  readonly #socketsByAddress: SocketsByAddress;
  #isClosed = false;

  constructor(settings: ServerSettings, refusals: Refusals, occupancy: Occupancy) {
    this.#settings = settings;
    this.#refusals = refusals;
    this.#occupancy = occupancy;
    this.#deadlines = new Deadlines(settings.handshakeTimeoutMs, (socket) => this.refuse(socket, tookTooLong));
    this.#pending = new PendingHandshakes(settings, refusals);
    this.#socketsByAddress = new SocketsByAddress(settings.maxClientsPerAddress);
  }

  get metrics(): { readonly closingSockets: number; readonly closingDropped: number } {
    return { closingSockets: this.#closingSockets.count, closingDropped: this.#closingSockets.dropped };
  }

  /** Whether `maxClients` allows one more. */
  get hasRoom(): boolean {
    return this.#taken < this.#settings.maxClients;
  }

  /** Starts the deadline of the socket's handshake. */
  expect(socket: Duplex): void {
    this.#deadlines.begin(socket);
  }

  serves(request: IncomingMessage): boolean {
    return servesPath(this.#settings, request);
  }

  addressOf(socket: Duplex, request: IncomingMessage): string {
    return addressOf(socket, this.#settings.trustedProxies, request);
  }

  /** Calls `accept` with the user if the handshake may become a client: at once, or when `authenticate` has answered. */
  admit(request: IncomingMessage, socket: Duplex, accept: (user: unknown) => void): void {
    // ws adds its own listener later; an error without a listener would end the process.
    socket.on('error', ignore);
    this.expect(socket);
    const address = this.addressOf(socket, request);
    const refusal = this.#check(request, address);
    if (refusal !== undefined) {
      this.refuse(socket, refusal, request);
      return;
    }
    this.#socketsByAddress.add(socket, address);
    const admitted = (user: unknown) => {
      this.#deadlines.end(socket);
      accept(user);
    };
    if (this.#settings.authenticate === undefined) admitted(undefined);
    else void this.#pending.authenticate(request, socket).then((answer) => answer && admitted(answer.user));
  }

  /** Ends a handshake, with an answer if the socket is still writable. */
  refuse(socket: Duplex, refusal: Refusal, request?: IncomingMessage): void {
    this.#pending.refuse(socket, refusal, request);
  }

  /** A client of a session was refused after its upgrade, because the server is full. */
  refusedFull(request: IncomingMessage): void {
    this.#refusals.unanswered('full', this.addressOf(request.socket, request), undefined, request);
  }

  /** The server closes the socket. */
  ending(socket: Duplex): void {
    this.#socketsByAddress.remove(socket);
    this.#closingSockets.add(socket);
  }

  /** Drops closing sockets when clients need their places; `maxClosing` of them always stay. */
  makeRoom(): void {
    const { maxClients, maxClosing } = this.#settings;
    this.#closingSockets.limitTo(Math.max(maxClosing, maxClients - this.#taken));
  }

  /** Refuses the pending handshakes and all later ones. */
  close(): void {
    this.#isClosed = true;
    this.#pending.refuseAll(isClosing);
  }

  /** Drops the sockets that are still closing. */
  end(): void {
    this.#closingSockets.limitTo(0);
  }

  #check(request: IncomingMessage, address: string): Refusal | undefined {
    if (this.#isClosed) return isClosing;
    if (!this.serves(request)) return wrongPath;
    const hasRoom = this.hasRoom || this.#occupancy.mayBeReturning(request);
    const refusal = checkHandshake(request) ?? checkRequest(this.#settings, request, hasRoom);
    return refusal ?? (this.#socketsByAddress.hasRoom(address) ? undefined : tooManyOfAddress);
  }

  /** Open clients and pending handshakes, which count towards `maxClients`. */
  get #taken(): number {
    return this.#occupancy.taken + this.#pending.count;
  }
}
