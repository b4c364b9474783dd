import type { Client } from '../core/client.js';
import { deadline } from '../core/clock.js';
import { CloseCode, canReconnectAfter, fittingReason } from '../core/close-codes.js';
import type { MakeLink } from '../core/link.js';
import type { Platform } from '../core/platform.js';
import type { CloseInfo, ConnectionState, Message } from '../core/types.js';
import type { Dial, Wire, WireEvents } from '../core/wire.js';
import type { SessionOwner } from './away.js';
import { SessionCloseCode } from './close-codes.js';
import { type Control, decodeControl, encodeControl, Outcome, type Resume, type Ticket } from './controls.js';
import { ServerHandshake, type ServerSession } from './handshake.js';
import { Kind, RecordReader } from './records.js';
import type { Gone, Resident, SessionRegistry } from './registry.js';
import { Relay } from './relay.js';
import { SessionLink, type SessionSettings } from './session-link.js';

/** What the server makes a client of. */
export interface Entrance {
  /** For the client's platform: returns the wire that is there. */
  readonly dial: Dial;
  readonly makeLink: MakeLink;
}

/** What the door needs from the server. `Guest` is what the server knows of a connection: its request, its user. */
export interface DoorHost<Guest> {
  /** Makes the client of a new session; the door connects it. Undefined: there is no room, and the wire is closed with 1013. */
  enter(entrance: Entrance, guest: Guest): Client | undefined;
  /** Whether the guest may go on with the session: whether it is the same user's. */
  mayResume(client: Client, guest: Guest): boolean;
  /** The guest goes on with the client's session. Before the client knows. */
  resuming?(client: Client, guest: Guest): void;
  /** Chooses among the application's subprotocols, '' for none. */
  choose(protocols: readonly string[]): string;
  /** Whom the client's session is counted for while it is away; left out: for nobody. */
  ownerOf?(client: Client): SessionOwner;
}

export interface DoorSettings {
  readonly session: SessionSettings;
  readonly resumeWindowMs: number;
  readonly handshakeTimeoutMs: number;
}

/** What the session of a client that is away takes by itself, without any message (Node 20: 15,500). */
const SESSION_COST = 16_384;

/** A server's end of a session: its client, its link, and the wire that it will dial next. */
export class Seat implements Resident {
  readonly ticket: Ticket;
  /** A wire that was handed over and is still to be read: its client is not away, whatever became of the older one. */
  next: Relay | undefined;
  link: SessionLink | undefined;
  client: Client | undefined;
  /** Number of the last RESUME that was taken. */
  attempt = 0;
  lost = 0;
  outcome: number = Outcome.ended;
  readonly #ownerOf: (client: Client) => SessionOwner;
  #info: CloseInfo | undefined;

  constructor(ticket: Ticket, ownerOf: (client: Client) => SessionOwner = () => ({})) {
    this.ticket = ticket;
    this.#ownerOf = ownerOf;
  }

  get finalCount(): number | undefined {
    return this.link?.finalCount;
  }

  get verdict(): CloseInfo | undefined {
    return this.link?.goodbye ?? this.#info;
  }

  get heldBytes(): number {
    return SESSION_COST + (this.link?.heldBytes ?? 0);
  }

  get hasCarried(): boolean {
    return this.link?.hasCarried === true;
  }

  get owner(): SessionOwner {
    return this.client === undefined ? {} : this.#ownerOf(this.client);
  }

  ended(info: CloseInfo): void {
    this.#info = info;
    // It was away, but somebody gave it up before the clock did.
    if (this.outcome === Outcome.windowOver && info.code !== CloseCode.abnormal) this.outcome = Outcome.ended;
  }

  evict(): void {
    this.outcome = Outcome.evicted;
    void this.client?.closeForGood(CloseCode.tryAgainLater, 'session evicted');
  }

  readonly dial: Dial = (_request, events) => {
    const relay = this.next as Relay;
    relay.handTo(events);
    return relay.wire;
  };
}

/**
 * How long a session is kept whose WebSocket its client has closed with 1001, as Firefox does for a page that is left. It is
 * gone then, but for a page that stays, or a proxy that restarts: those are back after their first attempts.
 */
const GOING_AWAY_MS = 10_000;

/** Who says HELLO has no session to be missed. */
const NEW: Gone = { outcome: Outcome.none, lost: undefined };
const RESUMABLE: readonly ConnectionState[] = ['open', 'reconnecting', 'closing'];

/** Reads the first batch of every wire that speaks gem.1, and leads it to its session or opens one. */
export class SessionDoor<Guest> {
  readonly #platform: Platform;
  readonly #registry: SessionRegistry<Seat>;
  readonly #settings: DoorSettings;
  readonly #host: DoorHost<Guest>;

  constructor(platform: Platform, registry: SessionRegistry<Seat>, settings: DoorSettings, host: DoorHost<Guest>) {
    this.#platform = platform;
    this.#registry = registry;
    this.#settings = settings;
    this.#host = host;
  }

  /** @param makeWire wraps the accepted socket, with these for its events. */
  accept(makeWire: (events: WireEvents) => Wire, guest: Guest): void {
    const relay = new Relay();
    const cancel = deadline(this.#platform.clock, this.#settings.handshakeTimeoutMs, () => {
      relay.wire.detach(SessionCloseCode.timeout, 'no handshake in time');
    });
    relay.start(makeWire, {
      opened() {},
      alive() {},
      pong() {},
      drained() {},
      closed: cancel,
      received: (message, bytes) => {
        cancel();
        this.#lead(relay, message, bytes, guest);
      },
    });
  }

  #lead(relay: Relay, message: Message, bytes: number, guest: Guest): void {
    const control = firstControl(message);
    if (control?.is !== 'hello' && control?.is !== 'resume') {
      relay.wire.detach(SessionCloseCode.protocol, 'PROTOCOL_ERROR');
      return;
    }
    const seat = control.is === 'hello' ? this.#open(relay, guest, NEW) : this.#resume(control, relay, guest);
    if (seat === undefined) return;
    // The link reads the handshake as what it is, the first batch of its wire.
    relay.received(message, bytes);
    seat.next = undefined;
    if (seat.client?.state === 'reconnecting') this.#registry.detached(seat.ticket);
  }

  /** Undefined when the wire was sent away. */
  #resume(control: Resume, relay: Relay, guest: Guest): Seat | undefined {
    const seat = this.#resumable(control, guest);
    if (seat?.client === undefined) {
      const gone = this.#whereabouts(control);
      const { verdict, finalCount } = gone;
      if (verdict === undefined || (finalCount === undefined && canReconnectAfter(verdict.code))) return this.#open(relay, guest, gone);
      if (finalCount !== undefined) relay.wire.send(encodeControl({ is: 'resumed', received: finalCount, messagesSent: 0 }));
      relay.wire.detach(verdict.code, fittingReason(verdict.reason));
      return undefined;
    }
    if (control.attempt <= seat.attempt) {
      // The client has given this wire up for a newer one, and its bytes come late.
      relay.wire.detach(CloseCode.takenOver, 'taken over');
      return undefined;
    }
    seat.attempt = control.attempt;
    seat.next = relay;
    this.#host.resuming?.(seat.client, guest);
    seat.client.adopt();
    return seat;
  }

  #resumable(ticket: Ticket, guest: Guest): Seat | undefined {
    const seat = this.#registry.find(ticket);
    // One that is closing has its end still to tell.
    if (seat?.client === undefined || !RESUMABLE.includes(seat.client.state)) return undefined;
    return this.#host.mayResume(seat.client, guest) ? seat : undefined;
  }

  /** One whose last messages the application has still to read is there, but over. */
  #whereabouts(ticket: Ticket): Gone {
    const seat = this.#registry.find(ticket);
    return seat?.client?.state === 'closed' ? seat : this.#registry.whereabouts(ticket);
  }

  #open(relay: Relay, guest: Guest, { outcome, lost }: Gone): Seat | undefined {
    const { resumeWindowMs, session } = this.#settings;
    const seat = new Seat(this.#registry.newTicket(), this.#host.ownerOf);
    const known: ServerSession = {
      ticket: seat.ticket,
      resumeWindowMs,
      outcome,
      lost,
      choose: (protocols) => this.#host.choose(protocols),
    };
    const makeLink: MakeLink = (host) => {
      seat.link = new SessionLink(host, new ServerHandshake(known), session, this.#platform);
      return seat.link;
    };
    seat.next = relay;
    const client = this.#host.enter({ dial: seat.dial, makeLink }, guest);
    if (client === undefined) {
      relay.wire.detach(CloseCode.tryAgainLater, 'no room');
      return undefined;
    }
    seat.client = client;
    this.#watch(seat, client);
    client.connect().catch(() => {});
    return seat;
  }

  #watch(seat: Seat, client: Client): void {
    const { ticket } = seat;
    this.#registry.add(ticket, seat);
    client.on('state', (now, before) => {
      if (now === 'reconnecting') {
        if (seat.next === undefined) this.#registry.detached(ticket);
      } else if (now === 'open' && before === 'reconnecting') this.#registry.attached(ticket);
      else if (now === 'closed' && before === 'reconnecting' && seat.outcome === Outcome.ended) seat.outcome = Outcome.windowOver;
    });
    client.on('reconnecting', ({ cause }) => {
      const { code, wasClean } = cause as Partial<CloseInfo>;
      if (code === CloseCode.goingAway && wasClean) this.#expireSoon(client);
    });
    client.on('undelivered', (messages) => {
      seat.lost += messages.length;
    });
    client.on('close', (info) => {
      seat.ended(info);
      this.#registry.remove(ticket, seat);
    });
  }

  #expireSoon(client: Client): void {
    const cancel = deadline(this.#platform.clock, GOING_AWAY_MS, () => {
      off();
      void client.closeForGood(CloseCode.goingAway, 'the client went away');
    });
    const off = client.on('state', () => {
      off();
      cancel();
    });
  }
}

function firstControl(message: Message): Control | { is: 'unknown' } | undefined {
  if (typeof message === 'string') return undefined;
  const records = new RecordReader(message);
  return records.next() && records.kind === Kind.control ? decodeControl(message, records.start, records.end) : undefined;
}
