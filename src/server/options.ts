import type { IncomingMessage } from 'node:http';
import { WebsocketError } from '../core/errors.js';
import { type ClientOptions, defaults, milliseconds, positive, resolveOptions, type Settings } from '../core/options.js';
import { resolveServerSession, type ServerSessionOptions, type ServerSessionSettings } from './session-options.js';

/** What a server can be told. Every bound has a default; docs/guides/operating.md says of each why it is so much. */
export interface ServerOptions {
  /** TLS key and certificate, PEM: the server is wss. Of `listen` only; an attached server has its own. */
  tls?: { key: string | Buffer; cert: string | Buffer };
  /** The only path that is served, without a query; others get 404. Every path, unless set. */
  path?: string;
  /** Subprotocols that the server speaks. The first of the client's that is among them is chosen (RFC 6455, 4.2.2). */
  protocols?: readonly string[];
  /** Exact origins that a browser may come from; '*' lets all in. Same host and port only, unless set. Others get 403. */
  origins?: readonly string[] | '*';
  /** Before the upgrade. Throw or return undefined to refuse with 401; what it returns is the client's `user`. */
  authenticate?: (request: IncomingMessage) => unknown;
  /** Open clients; handshakes under way count. More get 503. 16,384 by default: idle ones take half a gigabyte. */
  maxClients?: number;
  /**
   * Sockets of clients that the server has closed and that have not answered yet, beyond those for which `maxClients` has a
   * place. Over it, the oldest is dropped when a client connects. 64 by default: an answer takes a round trip.
   */
  maxClosing?: number;
  /** Largest message taken, in bytes of payload; a larger one ends its connection with 1009. 64 KiB by default, as a stranger may send it. */
  maxMessageBytes?: number;
  /** Milliseconds for a handshake, `authenticate` included; with TLS as many again before it, for TLS's own. 10,000 by default, as long as a client waits. */
  handshakeTimeoutMs?: number;
  /** As for the client: after `pingMs` without a byte (15,000 by default) a ping, which is to be answered within `timeoutMs` (10,000). false: no pings. */
  liveness?: false | { pingMs?: number; timeoutMs?: number };
  /** Messages of one client, as a token bucket; over it the client is closed with 1008. None, unless set: an application knows its own rate. */
  rateLimit?: { messagesPerSecond: number; burst: number };
  /**
   * Bounds of what waits to be read from one client; a client over them is not read from until there is room. By default
   * 1,024 messages and 1 MiB, or two of the largest messages where that is more: there are as many inboxes as clients.
   */
  inbox?: { maxMessages?: number; maxBytes?: number };
  /**
   * A client that reads too slowly for this many buffered bytes is closed with 1013. A send returns false from a
   * quarter of it on, so a sender that then awaits `drained()` is never cut off. 4 MiB by default: four seconds at 8 Mbit/s.
   */
  maxBufferedBytes?: number;
  /** Bounds of the sessions that clients with `session()` hold; false: every client is a plain one. */
  session?: ServerSessionOptions | false;
}

export const serverDefaults = {
  /** An idle client costs about 30 KB: these, half a gigabyte. */
  maxClients: 16_384,
  /** Whoever answers does so in a round trip: these are 640 closed clients a second at 100 ms. */
  maxClosing: 64,
  /** A message of a game or a chat is far smaller; what a stranger may make us hold at once should be. */
  maxMessageBytes: 64 * 1024,
  /** As long as a client waits for it by default. */
  handshakeTimeoutMs: defaults.connectTimeoutMs,
  /** Seconds at a hundred messages a second, and no more: there are as many inboxes as clients. */
  inboxMessages: 1_024,
  /** Sixteen messages of the largest default size. */
  inboxBytes: 1024 * 1024,
  /** Four seconds at 8 Mbit/s: a reader that far behind lives in the past. */
  maxBufferedBytes: 4 * 1024 * 1024,
  /** A client that lives answers a close frame in a round trip. */
  graceMs: defaults.closeTimeoutMs,
} as const;

export interface RateLimit {
  readonly messagesPerSecond: number;
  readonly burst: number;
}

/** The options of one server, checked and complete. */
export interface ServerSettings {
  readonly path: string | undefined;
  /** Undefined: the host and port that the request names. */
  readonly origins: readonly string[] | '*' | undefined;
  readonly authenticate: ServerOptions['authenticate'];
  readonly maxClients: number;
  readonly maxClosing: number;
  readonly handshakeTimeoutMs: number;
  readonly rateLimit: RateLimit | undefined;
  readonly maxBufferedBytes: number;
  /** Undefined: none are held. */
  readonly session: ServerSessionSettings | undefined;
  /** Of each client. */
  readonly client: Settings;
}

/** @throws {WebsocketError} `INVALID_OPTION`, `UNSUPPORTED`. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  refuseUnsupported(options);
  const maxBufferedBytes = positive('maxBufferedBytes', options.maxBufferedBytes, serverDefaults.maxBufferedBytes);
  return {
    path: resolvePath(options.path),
    origins: resolveOrigins(options.origins),
    authenticate: options.authenticate,
    maxClients: positive('maxClients', options.maxClients, serverDefaults.maxClients),
    maxClosing: positive('maxClosing', options.maxClosing, serverDefaults.maxClosing),
    handshakeTimeoutMs: milliseconds('handshakeTimeoutMs', options.handshakeTimeoutMs, serverDefaults.handshakeTimeoutMs),
    rateLimit: resolveRateLimit(options.rateLimit),
    maxBufferedBytes,
    session: resolveServerSession(options.session),
    client: clientSettings(options, maxBufferedBytes),
  };
}

function clientSettings(options: ServerOptions, maxBufferedBytes: number): Settings {
  const maxMessageBytes = positive('maxMessageBytes', options.maxMessageBytes, serverDefaults.maxMessageBytes);
  const client: ClientOptions = {
    reconnect: false,
    protocols: options.protocols ?? [],
    maxMessageBytes,
    inbox: {
      maxMessages: options.inbox?.maxMessages ?? serverDefaults.inboxMessages,
      // One message of the largest size, and as much again.
      maxBytes: options.inbox?.maxBytes ?? Math.max(serverDefaults.inboxBytes, 2 * maxMessageBytes),
    },
    // The server client bounds it, at maxBufferedBytes and one message.
    outbox: { highWaterBytes: maxBufferedBytes / 4, maxBytes: Number.POSITIVE_INFINITY },
  };
  return resolveOptions(options.liveness === undefined ? client : { ...client, liveness: options.liveness });
}

function resolvePath(path: string | undefined): string | undefined {
  if (path === undefined || /^\/[^?#]*$/.test(path)) return path;
  throw invalid('path', path, "must begin with '/' and have no query: '/game'.");
}

function resolveOrigins(origins: ServerOptions['origins']): readonly string[] | '*' | undefined {
  if (origins === undefined || origins === '*') return origins;
  for (const origin of origins) {
    // 'null' and 'file://' are what browsers send for a page that was opened from a file.
    if (origin !== 'null' && origin !== 'file://' && originOf(origin) !== origin) {
      throw invalid('origins', origin, `must list origins as browsers send them: ${originOf(origin) ?? 'https://example.com'}.`);
    }
  }
  return [...origins];
}

function originOf(text: string): string | undefined {
  return URL.canParse(text) ? new URL(text).origin : undefined;
}

function resolveRateLimit(rateLimit: ServerOptions['rateLimit']): RateLimit | undefined {
  if (rateLimit === undefined) return undefined;
  const messagesPerSecond = positive('rateLimit.messagesPerSecond', rateLimit.messagesPerSecond, Number.NaN);
  // A bucket under one token would let nothing through.
  const burst = Math.max(1, positive('rateLimit.burst', rateLimit.burst, messagesPerSecond));
  return { messagesPerSecond, burst };
}

function refuseUnsupported(options: object): void {
  for (const option of ['backplane', 'topics', 'authorize']) {
    if ((options as Record<string, unknown>)[option] === undefined) continue;
    throw new WebsocketError('UNSUPPORTED', `The option ${option} is not there yet. Leave it out.`, {
      option,
    });
  }
}

function invalid(option: string, value: unknown, rule: string): WebsocketError {
  return new WebsocketError('INVALID_OPTION', `The option ${option} ${rule}`, { option, value });
}
