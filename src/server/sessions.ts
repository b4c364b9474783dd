import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MakeChannel } from '../core/channel.js';
import type { RecordPort } from '../core/extension.js';
import { nodePlatform } from '../platform/node/platform.js';
import { NodeTransport, type Sharing } from '../platform/node/transport.js';
import type { OwnedWebSocket } from '../platform/node/ws.js';
import { SessionAcceptor } from '../session/acceptor.js';
import { FEATURE_TOPICS, MAX_BATCH_BYTES, newDecoder, SESSION_PROTOCOL, splitBatch } from '../session/codec.js';
import { sessionSettings } from '../session/feature.js';
import { SessionRegistry } from '../session/registry.js';
import type { ServerChannel, ServerSession } from '../session/server-session.js';
import type { SharedRecords } from '../session/shared-records.js';
import type { AcceptedClient, UpgradeContext } from './accepted-client.js';
import type { ServerSettings } from './options.js';
import { offeredProtocols } from './request.js';
import type { ServerSessionSettings } from './session-options.js';
import { onSocket } from './sockets.js';
import type { TopicSession } from './topic-session.js';
import type { Users } from './users.js';

export interface SessionsEvents {
  /** Makes the client of a new session, which opens in this turn. */
  enter(context: UpgradeContext, makeChannel: MakeChannel, resumeWindowMs: number): AcceptedClient;
  /** The client has sent its first record of a topic. */
  useTopics(client: AcceptedClient, port: RecordPort): TopicSession;
  /** Whether `maxClients` allows one more. */
  hasRoom(): boolean;
  /** The server closes a socket that belongs to no client. */
  ending(socket: Duplex): void;
  /** A client was refused because `maxClients` is reached. */
  refusedFull(request: IncomingMessage): void;
}

/** OpenSSL's generator, and a comparison in constant time. */
const nodeSecrets = {
  randomBytes: (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(length)),
  isEqual: (one: Uint8Array, other: Uint8Array): boolean => one.length === other.length && timingSafeEqual(one, other),
} as const;

/** Sockets that a full server accepts because they may resume a session; the previous socket of such a session still counts. */
const MAX_RETURNING = 64;

interface Arriving {
  readonly ws: OwnedWebSocket;
  readonly user: unknown;
}

interface SessionUpgrade extends UpgradeContext {
  readonly socket: Duplex;
}

/** The parts of the server that its sessions use. */
export interface SessionsContext {
  readonly sharing: Sharing;
  readonly shared: SharedRecords;
  readonly users: Users;
  readonly events: SessionsEvents;
}

/** The server's sessions: finds or makes the client of each WebSocket that speaks gem.1. */
export class Sessions {
  readonly #settings: ServerSessionSettings;
  readonly #protocols: readonly string[];
  readonly #sharing: Sharing;
  readonly #events: SessionsEvents;
  readonly #users: Users;
  readonly #registry: SessionRegistry<ServerSession<AcceptedClient>>;
  readonly #acceptor: SessionAcceptor<AcceptedClient, SessionUpgrade>;
  readonly #channels = new WeakMap<AcceptedClient, ServerChannel>();
  readonly #clients = new WeakMap<ServerChannel, AcceptedClient>();
  /** Sockets whose first batch has not arrived; each may become a client. */
  readonly #arriving = new Map<Duplex, Arriving>();
  /** Sockets that `disconnectUser` has closed: their first batch may be on its way. */
  readonly #disconnected = new WeakSet<Duplex>();
  readonly #left = onSocket((socket) => this.#arriving.delete(socket));
  readonly #ending = (socket: Duplex): void => {
    this.#arriving.delete(socket);
    this.#events.ending(socket);
  };
  #refused = 0;
  #isClosing = false;

  constructor(settings: ServerSettings, own: ServerSessionSettings, { sharing, shared, users, events }: SessionsContext) {
    this.#settings = own;
    this.#users = users;
    this.#protocols = settings.client.protocols;
    this.#sharing = sharing;
    this.#events = events;
    this.#registry = new SessionRegistry<ServerSession<AcceptedClient>>(nodeSecrets, nodePlatform.clock, own);
    const { handshakeTimeoutMs } = settings;
    const extend = (channel: ServerChannel) => this.#extend(channel);
    const session = { ...sessionSettings(own, settings.client), shared, decoder: newDecoder(), extend, features: FEATURE_TOPICS };
    this.#acceptor = new SessionAcceptor<AcceptedClient, SessionUpgrade>(
      { ...nodePlatform, makeEndOfTurn: () => sharing.turnEnd.add },
      this.#registry,
      { ...own, session, handshakeTimeoutMs },
      {
        enter: (makeChannel, upgrade) => this.#enter(makeChannel, upgrade),
        mayResume: (client, upgrade) => this.#mayResume(client, upgrade),
        resuming: (client, upgrade) => client.resuming(upgrade.request),
        ownerOf: (client) => ({ address: client.request.remoteAddress, user: users.ownerOf(client) }),
        choose: (offered) => offered.find((name) => this.#protocols.includes(name)) ?? '',
      },
    );
  }

  get arriving(): number {
    return this.#arriving.size;
  }

  /** True for a request that a full server accepts: its client may be one that the server still counts as open. */
  mayBeReturning(request: IncomingMessage): boolean {
    return offeredProtocols(request)[0] === SESSION_PROTOCOL && this.#registry.present > 0 && this.#arriving.size < MAX_RETURNING;
  }

  get metrics(): Readonly<Record<SessionMetric, number>> {
    const { detached, detachedBytes, resumed, evicted, evictedPerAddress, evictedPerUser, expired, undelivered } = this.#registry.metrics;
    return {
      sessionsDetached: detached,
      sessionsDetachedBytes: detachedBytes,
      sessionsResumed: resumed,
      sessionsEvicted: evicted,
      sessionsEvictedPerAddress: evictedPerAddress,
      sessionsEvictedPerUser: evictedPerUser,
      sessionsExpired: expired,
      sessionsRefused: this.#refused,
      messagesUndelivered: undelivered,
    };
  }

  accept(ws: OwnedWebSocket, socket: Duplex, context: UpgradeContext): void {
    this.#arriving.set(socket, { ws, user: context.user });
    socket.on('close', this.#left);
    const origin = { ...this.#sharing, socket, split: splitBatch, ending: this.#ending, maxMessageBytes: MAX_BATCH_BYTES };
    this.#acceptor.accept(new NodeTransport(ws, origin), { ...context, socket });
  }

  /** Tells the open clients when to reconnect, spread evenly over the window. */
  leave(clients: readonly AcceptedClient[], windowMs: number): void {
    const leaving = clients.filter((client) => client.hasSession && client.isConnectionOpen());
    leaving.forEach((client, index) => {
      this.#channels.get(client)?.leave(((index + nodePlatform.random()) / leaving.length) * windowMs);
    });
  }

  /** Closes the sockets whose first batch has not arrived, and accepts no more clients. */
  close(code: number, reason: string): void {
    this.#isClosing = true;
    for (const arriving of [...this.#arriving]) this.#closeArriving(arriving, code, reason);
    this.#registry.close();
  }

  /** Closes the sockets of a user whose first batch has not arrived. Returns their number. */
  disconnectUser(key: string, code: number, reason: string): number {
    const ofUser = [...this.#arriving].filter(([, { user }]) => this.#users.keyOfUser(user) === key);
    for (const arriving of ofUser) this.#closeArriving(arriving, code, reason);
    return ofUser.length;
  }

  #closeArriving([socket, { ws }]: readonly [Duplex, Arriving], code: number, reason: string): void {
    this.#disconnected.add(socket);
    this.#ending(socket);
    ws.close(code, reason);
  }

  #enter(makeChannel: MakeChannel, { socket, ...context }: SessionUpgrade): AcceptedClient | undefined {
    this.#arriving.delete(socket);
    if (this.#isClosing || this.#disconnected.has(socket)) return undefined;
    if (!this.#events.hasRoom()) {
      this.#events.refusedFull(context.request);
      return undefined;
    }
    let channel: ServerChannel | undefined;
    const noted: MakeChannel = (channelContext) => {
      channel = makeChannel(channelContext) as ServerChannel;
      return channel;
    };
    const client = this.#events.enter(context, noted, this.#settings.resumeWindowMs);
    if (channel !== undefined) {
      this.#channels.set(client, channel);
      this.#clients.set(channel, client);
    }
    return client;
  }

  /** The client uses topics. */
  #extend(channel: ServerChannel): void {
    const client = this.#clients.get(channel);
    if (client !== undefined) channel.extension('topics', (port) => this.#events.useTopics(client, port));
  }

  #mayResume(client: AcceptedClient, { socket, user }: SessionUpgrade): boolean {
    this.#arriving.delete(socket);
    if (this.#isClosing || this.#disconnected.has(socket) || !(client.isConnectionOpen() || this.#events.hasRoom())) return false;
    const isSame = this.#users.isSame(client.user, user);
    if (!isSame) this.#refused += 1;
    return isSame;
  }
}

/** The metrics of a server without sessions. */
export const noSessions = {
  sessionsDetached: 0,
  sessionsDetachedBytes: 0,
  sessionsResumed: 0,
  sessionsEvicted: 0,
  /** Of `sessionsEvicted`: too many of one address, or of one user. */
  sessionsEvictedPerAddress: 0,
  sessionsEvictedPerUser: 0,
  sessionsExpired: 0,
  /** Requests to resume a session by another user than its own. */
  sessionsRefused: 0,
  /** Passed to `undelivered`; messages that were never sent also count in `messagesUnsent`. */
  messagesUndelivered: 0,
};

export type SessionMetric = keyof typeof noSessions;
