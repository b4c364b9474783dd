import type { IncomingHttpHeaders } from 'node:http';
import type { WebsocketError } from '../core/errors.js';
import type { ClientEvents, Continuity, IWebsocketClient } from '../core/types.js';

/** What the client asked for in its handshake: with a session, in its newest one. */
export interface ServerRequest {
  /** Path and query, as sent; of an absolute request target (RFC 6455, 4.1) its path and query. */
  readonly url: string;
  /** By names in lower case, as Node has them. */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** Of the other end of the socket: behind a proxy, the proxy's. */
  readonly remoteAddress: string;
}

/** The events of every client, and two of a client with a session. */
export interface ServerClientEvents extends ClientEvents {
  /** The peer disconnected. Its session waits `session.resumeWindowMs` for it, and what is sent meanwhile is kept. */
  away: () => void;
  /** The peer resumed its session, with the receipt. After a time without the peer it is `close` instead. */
  back: (continuity: Continuity) => void;
}

/** One accepted connection, or one session: the same interface as on the other side, and who it is. */
export interface ServerClient extends IWebsocketClient {
  /**
   * Calls the listener for every event of that name: see `ServerClientEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ServerClientEvents>(event: E, listener: ServerClientEvents[E]): () => void;
  /** The handshake of the client. */
  readonly request: ServerRequest;
  /** What `authenticate` returned, for the first handshake of a session. */
  readonly user: unknown;
}

/** Why a handshake did not become a client; each has a counter in the metrics. */
export type RefusalReason = 'path' | 'origin' | 'host' | 'full' | 'auth' | 'request' | 'timeout' | 'closing' | 'gone';

/** A handshake that did not become a client. */
export interface Refused {
  /** Why, as a short constant: the counter in `metrics` has the same name. */
  readonly reason: RefusalReason;
  /** The HTTP status that it was answered with; 0 where it was dropped without an answer. */
  readonly status: number;
  /** Of the other end of the socket; '' where it is not known any more. */
  readonly remoteAddress: string;
  /** What `authenticate` threw. */
  readonly cause: unknown;
}

/** The events of a server, and the functions that `on` takes for them. */
export interface ServerEvents {
  /** Before the client's first message: a handler attached here misses nothing. Once for each session, however often it is resumed. */
  connection: (client: ServerClient) => void;
  /** A handshake that did not become a client. Where nothing listens, the console has one line for each reason and minute. */
  refused: (refused: Refused) => void;
  /** A connection could not be accepted; or a listener threw, of the server, or of a client without an `error` listener. Without a listener, it is written to the console. */
  error: (error: WebsocketError) => void;
}

/** How `close()` ends the clients. */
export interface ServerCloseOptions {
  /** 1001 by default: the server goes away, and clients that reconnect may come back (RFC 6455, 7.4.1). */
  code?: number | undefined;
  /** At most 123 bytes of UTF-8; empty by default. */
  reason?: string | undefined;
  /** Milliseconds for all clients together to answer; clients that have not answered by then are dropped. 5,000 by default. */
  graceMs?: number | undefined;
}

/** Made by `listen()` or `attach()`. Iteration gives every new client. */
export interface WebsocketServer extends AsyncIterable<ServerClient>, AsyncDisposable {
  /**
   * The open clients, oldest first; the array never changes, ask again for the next one. A client with a session stays
   * while it is away (`reconnecting`), as what is sent to it is kept for it.
   *
   * Where the application polls, a client that has closed stays until `getMessage()` has returned how it ended, so
   * that a frame loop over `clients` sees it; for five seconds at most. Ask `isConnectionOpen()` before sending in
   * such a loop. With a handler or an iterator on it, a client leaves this array as soon as it is not open.
   */
  readonly clients: readonly ServerClient[];
  /** The port that it listens on; 0 while an attached HTTP server does not listen yet. */
  readonly port: number;
  /**
   * Calls the listener for every event of that name: see `ServerEvents`.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ServerEvents>(event: E, listener: ServerEvents[E]): () => void;
  /**
   * To every open client of this process, and to those whose session waits for them. A client that reads too slowly is
   * closed with 1013; nothing is thrown for it.
   *
   * @throws {WebsocketError} `INVALID_MESSAGE`.
   */
  broadcast(message: string | ArrayBuffer | ArrayBufferView): void;
  /** Counters since the start and gauges of now, by name. docs/guides/operating.md lists them. */
  readonly metrics: Readonly<Record<string, number>>;
  /**
   * The clients first, all at once; then the port is free. Handshakes that come meanwhile are answered with 503.
   * Clients with a session receive delays that spread their reconnects over `graceMs`.
   * Safe to call twice. An attached HTTP server goes on without us.
   *
   * @throws {WebsocketError} `INVALID_CLOSE`, `INVALID_OPTION`, at the call.
   */
  close(options?: ServerCloseOptions): Promise<void>;
}
