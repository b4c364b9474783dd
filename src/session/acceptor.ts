import type { MakeChannel } from '../core/channel.js';
import { deadline } from '../core/clock.js';
import * as CloseCode from '../core/close-codes.js';
import { canReconnectAfter, fittingReason } from '../core/close-codes.js';
import type { Platform } from '../core/platform.js';
import type { AcceptedTransport } from '../core/transport.js';
import type { CloseInfo, ConnectionState, Message } from '../core/types.js';
import * as SessionCloseCode from './close-code.js';
import { RecordReader } from './codec.js';
import { type Control, decodeControl, encodeControl, Outcome, type Resume, type SessionCredentials } from './controls.js';
import type { SessionOwner } from './eviction.js';
import * as Kind from './record-kind.js';
import type { SessionRegistry, Tombstone } from './registry.js';
import {
  type NewServerSession,
  ServerChannel,
  type ServerChannelSettings,
  ServerHandshake,
  ServerSession,
  type SessionClient,
} from './server-session.js';

/** Callbacks of the server. `Context` is the server's data of a connection: its request and its user. */
export interface AcceptorEvents<C extends SessionClient, Context> {
  /** Makes the client of a new session, which then accepts its transport. Undefined: there is no room, and the transport is closed with 1013. */
  enter(makeChannel: MakeChannel, context: Context): C | undefined;
  /** Whether the request is from the user of the session, and so may resume it. */
  mayResume(client: C, context: Context): boolean;
  /** The request resumes the client's session. Called before the client accepts the transport. */
  resuming?(client: C, context: Context): void;
  /** Chooses among the application's subprotocols, '' for none. */
  choose(protocols: readonly string[]): string;
  /** The owner of the client's session, for the bounds of detached sessions; without it there are no such bounds. */
  ownerOf?(client: C): SessionOwner;
}

export interface AcceptorSettings {
  readonly session: ServerChannelSettings;
  readonly resumeWindowMs: number;
  readonly handshakeTimeoutMs: number;
}

/**
 * Time that a session is kept after its client closed the WebSocket with 1001, as Firefox does when a page is unloaded. A page that
 * stays, or a client behind a proxy that restarts, reconnects within its first attempts.
 */
const GOING_AWAY_MS = 10_000;

/** A client that sends HELLO has no earlier session. */
const NEW: Tombstone = { outcome: Outcome.none, lost: undefined };
const RESUMABLE: readonly ConnectionState[] = ['open', 'reconnecting', 'closing'];

/** Reads the handshake of every transport that speaks gem.1, and resumes its session or begins a new one. */
export class SessionAcceptor<C extends SessionClient, Context> {
  readonly #platform: Platform;
  readonly #registry: SessionRegistry<ServerSession<C>>;
  readonly #settings: AcceptorSettings;
  readonly #events: AcceptorEvents<C, Context>;

  constructor(
    platform: Platform,
    registry: SessionRegistry<ServerSession<C>>,
    settings: AcceptorSettings,
    events: AcceptorEvents<C, Context>,
  ) {
    this.#platform = platform;
    this.#registry = registry;
    this.#settings = settings;
    this.#events = events;
  }

  accept(transport: AcceptedTransport, context: Context): void {
    const cancel = deadline(this.#platform.clock, this.#settings.handshakeTimeoutMs, () => {
      transport.detach(SessionCloseCode.timeout, 'no handshake in time');
    });
    transport.events = {
      opened() {},
      alive() {},
      pong() {},
      drained() {},
      closed: cancel,
      received: (message, bytes) => {
        cancel();
        this.#lead(transport, message, bytes, context);
      },
    };
  }

  #lead(transport: AcceptedTransport, message: Message, bytes: number, context: Context): void {
    const control = firstControl(message);
    if (control?.is !== 'hello' && control?.is !== 'resume') {
      transport.detach(SessionCloseCode.protocol, 'PROTOCOL_ERROR');
      return;
    }
    const session = control.is === 'hello' ? this.#open(transport, context, NEW) : this.#resume(control, transport, context);
    if (session === undefined) return;
    // The channel reads the handshake as the first batch of its transport.
    transport.events.received(message, bytes);
    session.isResuming = false;
    if (session.client?.state === 'reconnecting') this.#registry.detached(session.credentials);
  }

  /** Undefined when the transport was closed. */
  #resume(control: Resume, transport: AcceptedTransport, context: Context): ServerSession<C> | undefined {
    const session = this.#resumable(control, context);
    if (session?.client === undefined) return this.#notResumed(control, transport, context);
    // A lower number is that of an older transport, which the client has replaced.
    if (control.attempt > session.attempt) {
      session.attempt = control.attempt;
      session.isResuming = true;
      this.#events.resuming?.(session.client, context);
      if (session.client.accept(transport)) return session;
      session.isResuming = false;
    }
    transport.detach(CloseCode.takenOver, 'taken over');
    return undefined;
  }

  /** The session is gone: closes with the code of its end, or begins a new session. */
  #notResumed(control: Resume, transport: AcceptedTransport, context: Context): ServerSession<C> | undefined {
    const tombstone = this.#fateOf(control);
    const { closeInfo, finalCount } = tombstone;
    if (closeInfo === undefined || (finalCount === undefined && canReconnectAfter(closeInfo.code))) {
      return this.#open(transport, context, tombstone);
    }
    if (finalCount !== undefined) transport.send(encodeControl({ is: 'resumed', received: finalCount, messagesSent: 0 }));
    transport.detach(closeInfo.code, fittingReason(closeInfo.reason));
    return undefined;
  }

  #resumable(credentials: SessionCredentials, context: Context): ServerSession<C> | undefined {
    const serverSession = this.#registry.find(credentials);
    // A closing session still has to send its END.
    if (serverSession?.client === undefined || !RESUMABLE.includes(serverSession.client.state)) return undefined;
    return this.#events.mayResume(serverSession.client, context) ? serverSession : undefined;
  }

  /** A session that is closed stays registered while it has unread messages. */
  #fateOf(credentials: SessionCredentials): Tombstone {
    const serverSession = this.#registry.find(credentials);
    return serverSession?.client?.state === 'closed' ? serverSession : this.#registry.fateOf(credentials);
  }

  #open(transport: AcceptedTransport, context: Context, { outcome, lost }: Tombstone): ServerSession<C> | undefined {
    const { resumeWindowMs, session: settings } = this.#settings;
    const session = new ServerSession<C>(this.#registry.newCredentials(), this.#events.ownerOf);
    const known: NewServerSession = {
      credentials: session.credentials,
      resumeWindowMs,
      outcome,
      lost,
      choose: (protocols) => this.#events.choose(protocols),
    };
    const makeChannel: MakeChannel = (channelContext) => {
      session.channel = new ServerChannel(channelContext, new ServerHandshake(known), settings, this.#platform);
      return session.channel;
    };
    const client = this.#events.enter(makeChannel, context);
    if (client === undefined) {
      transport.detach(CloseCode.tryAgainLater, 'no room');
      return undefined;
    }
    session.client = client;
    this.#watch(session, client);
    client.accept(transport);
    return session;
  }

  #watch(session: ServerSession<C>, client: C): void {
    const { credentials } = session;
    this.#registry.add(credentials, session);
    client.on('state', (now, before) => {
      if (now === 'reconnecting') {
        if (!session.isResuming) this.#registry.detached(credentials);
      } else if (now === 'open' && before === 'reconnecting') this.#registry.attached(credentials);
      else if (now === 'closed' && before === 'reconnecting' && session.outcome === Outcome.ended) session.outcome = Outcome.windowOver;
    });
    client.on('reconnecting', ({ cause }) => {
      const { code, wasClean } = cause as Partial<CloseInfo>;
      if (code === CloseCode.goingAway && wasClean) this.#expireSoon(client);
    });
    client.on('undelivered', (messages) => {
      session.lost += messages.length;
    });
    client.on('close', (info) => {
      session.ended(info);
      this.#registry.remove(credentials, session);
    });
  }

  #expireSoon(client: C): void {
    const cancel = deadline(this.#platform.clock, GOING_AWAY_MS, () => {
      off();
      void client.closeForGood(CloseCode.goingAway, 'the client disconnected');
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
