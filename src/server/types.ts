import type { IncomingHttpHeaders } from 'node:http';
import type { WebsocketError } from '../core/errors.js';
import type { ClientEvents, Continuity, Delivery, IWebsocketClient } from '../core/types.js';
import type { Member } from '../topics/types.js';
import type { ServerPublishOptions } from './topic-options.js';

/** The request of the client's handshake: with a session, of its newest one. */
export interface ServerRequest {
  /** Path and query, as sent; of an absolute request target (RFC 6455, 4.1) its path and query. */
  readonly url: string;
  /** By names in lower case, as in Node. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** Address of the peer of the socket; behind proxies that `trustedProxies` counts, the address that they report. */
  readonly remoteAddress: string;
}

/** The events of every client, and two of a client with a session. */
export interface ServerClientEvents extends ClientEvents {
  /** The peer disconnected. Its session is kept for `session.resumeWindowMs`, with the messages that are sent meanwhile. */
  away: () => void;
  /** The peer resumed its session: the report of the disconnect. If it does not return in time, the event is `close` instead. */
  back: (continuity: Continuity) => void;
}

/** One accepted connection, or one session: the interface of a client, with its request and its user. */
export interface ServerClient extends IWebsocketClient {
  /**
   * Calls the listener for every event of that name: see `ServerClientEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ServerClientEvents>(event: E, listener: ServerClientEvents[E]): () => void;
  /** The handshake of the client. */
  readonly request: ServerRequest;
  /** The result of `authenticate`; with a session, for its first handshake. */
  readonly user: unknown;
  /** Whether the session was moved here from another process: false as long as a server is one process. */
  readonly resumed: boolean;
}

/** Why a handshake did not become a client; each has a counter in the metrics. */
export type RefusalReason = 'path' | 'origin' | 'host' | 'full' | 'address' | 'auth' | 'request' | 'timeout' | 'closing' | 'gone';

/** A handshake that did not become a client. */
export interface Refused {
  /** A short constant; the counter in `metrics` has the same name. */
  readonly reason: RefusalReason;
  /** The HTTP status of the answer; 0 if the socket was closed without an answer. */
  readonly status: number;
  /** Address of the client, as in `request.remoteAddress`; '' if it is not known any more. */
  readonly remoteAddress: string;
  /** The error that `authenticate` threw. */
  readonly cause: unknown;
}

/** The events of a server, and the functions that `on` takes for them. */
export interface ServerEvents {
  /** Before the client's first message, so that a handler added here gets every message. Once for each session, however often it is resumed. */
  connection: (client: ServerClient) => void;
  /** A handshake that did not become a client. Without a listener, the console gets one line for each reason and minute. */
  refused: (refused: Refused) => void;
  /**
   * A connection could not be accepted, or a listener of the server or of a client threw and the client has no `error` listener.
   * Without a listener, the error is written to the console.
   */
  error: (error: WebsocketError) => void;
}

/** Options of a message to all clients. */
export interface BroadcastOptions {
  /** The client that does not get the message: usually its sender. */
  except?: ServerClient | undefined;
}

/** Options of a message to a room. */
export interface RoomSendOptions extends BroadcastOptions {
  /** Only members connected to this process. Without a backplane between processes, these are all members. */
  local?: boolean | undefined;
}

/** The events of a room, and the functions that `on` takes for them. */
export interface RoomEvents {
  /** The client became a member. */
  join: (client: ServerClient) => void;
  /** The client was removed, or it is closing or closed. */
  leave: (client: ServerClient) => void;
}

/**
 * A set of clients that the server maintains, plain clients and sessions alike. A message to a room arrives as an ordinary message. A room
 * has no history. A client leaves when it closes; a client whose session is detached stays a member, and its messages are kept.
 * A room without members and listeners uses no memory.
 */
export interface Room extends Iterable<ServerClient> {
  /** The argument of `server.room`. */
  readonly name: string;
  /** Number of members. Iteration gives the members at its start, in the order in which they joined. */
  readonly size: number;
  /** Whether the client is a member. */
  has(client: ServerClient): boolean;
  /**
   * Does nothing for a member, and for a client that is closing or closed.
   *
   * @throws {WebsocketError} `INVALID_OPTION` for a client of another server.
   */
  add(client: ServerClient): void;
  /** Does nothing for a client that is no member. */
  remove(client: ServerClient): void;
  /**
   * Sends the message to every member, those included whose session is detached. It is encoded once. A member that reads too slowly is
   * closed with 1013, as in `broadcast`.
   *
   * @throws {WebsocketError} `INVALID_MESSAGE`, `INVALID_OPTION`.
   */
  sendMessage(text: string, delivery?: Delivery, options?: RoomSendOptions): void;
  /** The same for bytes, which are copied once. @throws {WebsocketError} `INVALID_MESSAGE`, `INVALID_OPTION`. */
  sendMessageBinary(bytes: ArrayBuffer | ArrayBufferView, delivery?: Delivery, options?: RoomSendOptions): void;
  /**
   * Calls the listener for every event of that name: see `RoomEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof RoomEvents>(event: E, listener: RoomEvents[E]): () => void;
}

/** How `close()` ends the clients. */
export interface ServerCloseOptions {
  /** 1001 by default: the server shuts down, and clients may reconnect (RFC 6455, 7.4.1). */
  code?: number | undefined;
  /** At most 123 bytes of UTF-8; empty by default. */
  reason?: string | undefined;
  /**
   * Milliseconds for all clients together to answer. Then the sockets of the others are destroyed.
   *
   * @defaultValue 5,000: a live client answers within a round trip.
   */
  graceMs?: number | undefined;
}

/** Whether a server can take clients. docs/guides/operating.md has a probe. */
export interface ServerHealth {
  /** The server listens, is not draining, and its backplane is up. */
  readonly ready: boolean;
  /** `close()` has been called: clients are leaving, and new ones are refused with 503. */
  readonly draining: boolean;
  /** The connection to other processes; a server on its own is always up. */
  readonly backplane: 'up' | 'down';
}

/** Made by `listen()` or `attach()`. Iteration gives every new client. */
export interface WebsocketServer extends AsyncIterable<ServerClient>, AsyncDisposable {
  /**
   * The open clients, oldest first. The array never changes: read the property again for the present clients. A client with a session
   * stays while it is disconnected (`reconnecting`), because messages to it are kept.
   *
   * If the application polls, a closed client stays until `getMessage()` has returned how it ended, so that a frame loop over
   * `clients` sees it; for five seconds at most. Check `isConnectionOpen()` before sending in such a loop. A client with a handler or
   * an iterator is removed as soon as it is not open.
   */
  readonly clients: readonly ServerClient[];
  /** The port of the server; 0 while an attached HTTP server does not listen yet. */
  readonly port: number;
  /**
   * Calls the listener for every event of that name: see `ServerEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ServerEvents>(event: E, listener: ServerEvents[E]): () => void;
  /**
   * Sends a message to every open client of this process, and to every session whose client is disconnected. It is encoded once. A
   * client that reads too slowly is closed with 1013; `broadcast` does not throw for it.
   *
   * @throws {WebsocketError} `INVALID_MESSAGE`, `INVALID_OPTION`.
   */
  broadcast(message: string | ArrayBuffer | ArrayBufferView, delivery?: Delivery, options?: BroadcastOptions): void;
  /**
   * The room of that name, which may be any string. The same object for the same name as long as the room has members or listeners.
   *
   * @throws {WebsocketError} `INVALID_OPTION` for a name that is not a string.
   */
  room(name: string): Room;
  /**
   * Publishes a message to every subscriber of the topic. Resolves with its position once it is stored; with undefined for a volatile
   * message. Needs no permission.
   *
   * @throws {WebsocketError} (rejects) `INVALID_OPTION`, `INVALID_MESSAGE`, `MESSAGE_TOO_BIG`, `ABORTED`, and the codes that begin with
   * `BACKPLANE_`.
   */
  publish(topic: string, message: string | ArrayBuffer | ArrayBufferView, options?: ServerPublishOptions): Promise<string | undefined>;
  /**
   * The present members of the topic's presence by key, on every node. Needs no permission.
   *
   * @throws {WebsocketError} (rejects) `INVALID_OPTION`, `BACKPLANE_DOWN`, `BACKPLANE_TIMEOUT`.
   */
  members(topic: string): Promise<ReadonlyMap<string, Member>>;
  /**
   * Closes every connection and every session of the user whose `userKey` this is, also sessions whose client is disconnected: when that
   * client asks for its session, it gets the same code. Resolves with their number when they are closed. Later connections are not
   * refused: `authenticate` has to do that first.
   *
   * @param code 4401 by default, after which clients do not reconnect.
   * @throws {WebsocketError} (rejects) `INVALID_OPTION`, `INVALID_CLOSE`.
   */
  disconnectUser(key: string, code?: number, reason?: string): Promise<number>;
  /**
   * Ends the subscriptions and presences of the user in the topic, each with a `revoked` event. It keeps nobody out: `authorize` has to refuse the user
   * first.
   *
   * @throws {WebsocketError} (rejects) `INVALID_OPTION`.
   */
  revoke(topic: string, userKey: string): Promise<void>;
  /** The state of the server for liveness and readiness probes. */
  readonly health: ServerHealth;
  /** Counters since the start, and present gauges, by name. docs/guides/operating.md lists them. */
  readonly metrics: Readonly<Record<string, number>>;
  /**
   * Closes all clients at once and then frees the port. New handshakes are answered with 503.
   * Clients with a session receive delays that spread their reconnects over `graceMs`.
   * Safe to call twice. An attached HTTP server continues.
   *
   * @throws {WebsocketError} `INVALID_CLOSE`, `INVALID_OPTION`, at the call.
   */
  close(options?: ServerCloseOptions): Promise<void>;
}
