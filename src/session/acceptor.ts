import type { MakeChannel } from '../core/channel.js';
import type { Client } from '../core/client.js';
import { deadline } from '../core/clock.js';
import { CloseCode, canReconnectAfter, fittingReason } from '../core/close-codes.js';
import type { Platform } from '../core/platform.js';
import type { Dial, Transport, TransportEvents } from '../core/transport.js';
import type { CloseInfo, ConnectionState, Message } from '../core/types.js';
import { SessionCloseCode } from './close-codes.js';
import { type Control, decodeControl, encodeControl, Outcome, type Resume, type SessionCredentials } from './controls.js';
import type { SessionOwner } from './eviction.js';
import { type NewServerSession, ServerHandshake } from './handshake.js';
import { Kind, RecordReader } from './records.js';
import type { Evictable, SessionRegistry, Tombstone } from './registry.js';
import { Relay } from './relay.js';
import { SessionChannel, type SessionSettings } from './session-channel.js';

/** What the server makes a client of. */
export interface AcceptedChannel {
  /** For the client's platform: returns the transport that is there. */
  readonly dial: Dial;
  readonly makeChannel: MakeChannel;
}

/** What the door needs from the server. `Guest` is what the server knows of a connection: its request, its user. */
export interface AcceptorEvents<UpgradeContext> {
  /** Makes the client of a new session; the door connects it. Undefined: there is no room, and the transport is closed with 1013. */
  enter(accepted: AcceptedChannel, context: UpgradeContext): Client | undefined;
  /** Whether the request may resume the session: whether it is from the same user. */
  mayResume(client: Client, context: UpgradeContext): boolean;
  /** The request resumes the client's session. Called before the client knows. */
  resuming?(client: Client, context: UpgradeContext): void;
  /** Chooses among the application's subprotocols, '' for none. */
  choose(protocols: readonly string[]): string;
  /** Whom the client's session is counted for while it is away; left out: for nobody. */
  ownerOf?(client: Client): SessionOwner;
}

export interface AcceptorSettings {
  readonly session: SessionSettings;
  readonly resumeWindowMs: number;
  readonly handshakeTimeoutMs: number;
}

/** What the session of a client that is away takes by itself, without any message (Node 20: 15,500). */
const SESSION_COST = 16_384;

/** A server's end of a session: its client, its link, and the transport that it will dial next. */
export class ServerSession implements Evictable {
  readonly credentials: SessionCredentials;
  /** A transport that was handed over and is still to be read: its client is not away, whatever became of the older one. */
  next: Relay | undefined;
  channel: SessionChannel | undefined;
  client: Client | undefined;
  /** Number of the last RESUME that was taken. */
  attempt = 0;
  lost = 0;
  outcome: number = Outcome.ended;
  readonly #ownerOf: (client: Client) => SessionOwner;
  #info: CloseInfo | undefined;

  constructor(credentials: SessionCredentials, ownerOf: (client: Client) => SessionOwner = () => ({})) {
    this.credentials = credentials;
    this.#ownerOf = ownerOf;
  }

  get finalCount(): number | undefined {
    return this.channel?.finalCount;
  }

  get closeInfo(): CloseInfo | undefined {
    return this.channel?.goodbye ?? this.#info;
  }

  get heldBytes(): number {
    return SESSION_COST + (this.channel?.heldBytes ?? 0);
  }

  get hasCarried(): boolean {
    return this.channel?.hasCarried === true;
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
    return relay.transport;
  };
}

/**
 * How long a session is kept whose WebSocket its client has closed with 1001, as Firefox does for a page that is left. It is
 * gone then, but for a page that stays, or a proxy that restarts: those are back after their first attempts.
 */
const GOING_AWAY_MS = 10_000;

/** Who says HELLO has no session to be missed. */
const NEW: Tombstone = { outcome: Outcome.none, lost: undefined };
const RESUMABLE: readonly ConnectionState[] = ['open', 'reconnecting', 'closing'];

/** Reads the first batch of every transport that speaks gem.1, and leads it to its session or opens one. */
export class SessionAcceptor<UpgradeContext> {
  readonly #platform: Platform;
  readonly #registry: SessionRegistry<ServerSession>;
  readonly #settings: AcceptorSettings;
  readonly #events: AcceptorEvents<UpgradeContext>;

  constructor(
    platform: Platform,
    registry: SessionRegistry<ServerSession>,
    settings: AcceptorSettings,
    events: AcceptorEvents<UpgradeContext>,
  ) {
    this.#platform = platform;
    this.#registry = registry;
    this.#settings = settings;
    this.#events = events;
  }

  /** @param makeWire wraps the accepted socket, with these for its events. */
  accept(makeTransport: (events: TransportEvents) => Transport, context: UpgradeContext): void {
    const relay = new Relay();
    const cancel = deadline(this.#platform.clock, this.#settings.handshakeTimeoutMs, () => {
      relay.transport.detach(SessionCloseCode.timeout, 'no handshake in time');
    });
    relay.start(makeTransport, {
      opened() {},
      alive() {},
      pong() {},
      drained() {},
      closed: cancel,
      received: (message, bytes) => {
        cancel();
        this.#lead(relay, message, bytes, context);
      },
    });
  }

  #lead(relay: Relay, message: Message, bytes: number, context: UpgradeContext): void {
    const control = firstControl(message);
    if (control?.is !== 'hello' && control?.is !== 'resume') {
      relay.transport.detach(SessionCloseCode.protocol, 'PROTOCOL_ERROR');
      return;
    }
    const serverSession = control.is === 'hello' ? this.#open(relay, context, NEW) : this.#resume(control, relay, context);
    if (serverSession === undefined) return;
    // The channel reads the handshake as what it is, the first batch of its transport.
    relay.received(message, bytes);
    serverSession.next = undefined;
    if (serverSession.client?.state === 'reconnecting') this.#registry.detached(serverSession.credentials);
  }

  /** Undefined when the transport was sent away. */
  #resume(control: Resume, relay: Relay, context: UpgradeContext): ServerSession | undefined {
    const serverSession = this.#resumable(control, context);
    if (serverSession?.client === undefined) {
      const gone = this.#fateOf(control);
      const { closeInfo, finalCount } = gone;
      if (closeInfo === undefined || (finalCount === undefined && canReconnectAfter(closeInfo.code)))
        return this.#open(relay, context, gone);
      if (finalCount !== undefined) relay.transport.send(encodeControl({ is: 'resumed', received: finalCount, messagesSent: 0 }));
      relay.transport.detach(closeInfo.code, fittingReason(closeInfo.reason));
      return undefined;
    }
    if (control.attempt <= serverSession.attempt) {
      // The client has given this transport up for a newer one, and its bytes come late.
      relay.transport.detach(CloseCode.takenOver, 'taken over');
      return undefined;
    }
    serverSession.attempt = control.attempt;
    serverSession.next = relay;
    this.#events.resuming?.(serverSession.client, context);
    serverSession.client.takeOver();
    return serverSession;
  }

  #resumable(credentials: SessionCredentials, context: UpgradeContext): ServerSession | undefined {
    const serverSession = this.#registry.find(credentials);
    // One that is closing has its end still to tell.
    if (serverSession?.client === undefined || !RESUMABLE.includes(serverSession.client.state)) return undefined;
    return this.#events.mayResume(serverSession.client, context) ? serverSession : undefined;
  }

  /** One whose last messages the application has still to read is there, but over. */
  #fateOf(credentials: SessionCredentials): Tombstone {
    const serverSession = this.#registry.find(credentials);
    return serverSession?.client?.state === 'closed' ? serverSession : this.#registry.fateOf(credentials);
  }

  #open(relay: Relay, context: UpgradeContext, { outcome, lost }: Tombstone): ServerSession | undefined {
    const { resumeWindowMs, session } = this.#settings;
    const serverSession = new ServerSession(this.#registry.newCredentials(), this.#events.ownerOf);
    const known: NewServerSession = {
      credentials: serverSession.credentials,
      resumeWindowMs,
      outcome,
      lost,
      choose: (protocols) => this.#events.choose(protocols),
    };
    const makeChannel: MakeChannel = (events) => {
      serverSession.channel = new SessionChannel(events, new ServerHandshake(known), session, this.#platform);
      return serverSession.channel;
    };
    serverSession.next = relay;
    const client = this.#events.enter({ dial: serverSession.dial, makeChannel }, context);
    if (client === undefined) {
      relay.transport.detach(CloseCode.tryAgainLater, 'no room');
      return undefined;
    }
    serverSession.client = client;
    this.#watch(serverSession, client);
    client.connect().catch(() => {});
    return serverSession;
  }

  #watch(serverSession: ServerSession, client: Client): void {
    const { credentials } = serverSession;
    this.#registry.add(credentials, serverSession);
    client.on('state', (now, before) => {
      if (now === 'reconnecting') {
        if (serverSession.next === undefined) this.#registry.detached(credentials);
      } else if (now === 'open' && before === 'reconnecting') this.#registry.attached(credentials);
      else if (now === 'closed' && before === 'reconnecting' && serverSession.outcome === Outcome.ended)
        serverSession.outcome = Outcome.windowOver;
    });
    client.on('reconnecting', ({ cause }) => {
      const { code, wasClean } = cause as Partial<CloseInfo>;
      if (code === CloseCode.goingAway && wasClean) this.#expireSoon(client);
    });
    client.on('undelivered', (messages) => {
      serverSession.lost += messages.length;
    });
    client.on('close', (info) => {
      serverSession.ended(info);
      this.#registry.remove(credentials, serverSession);
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
