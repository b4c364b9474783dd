import type { IncomingMessage } from 'node:http';
import * as CloseCode from '../core/close-code.js';
import { checkClose } from '../core/close-codes.js';
import { makeError } from '../core/errors.js';
import { checkFunction, checkNames, checkObject, invalid, milliseconds, positive } from '../core/option-checks.js';
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  type InboxOptions,
  type LivenessOptions,
  resolveOptions,
  type Settings,
} from '../core/options.js';
import { resolveServerSession, type ServerSessionOptions, type ServerSessionSettings } from './session-options.js';
import { hostNameOf, originOf } from './target.js';
import type { ServerCloseOptions } from './types.js';

/** The options of a server. Every bound has a default; docs/guides/operating.md says for each why it is so much. */
export interface ServerOptions {
  /** TLS key and certificate, PEM: the server is wss. Of `listen` only; an attached server has its own. */
  tls?: TlsOptions | undefined;
  /** The only path that is served, without a query; others get 404. Every path, unless set. */
  path?: string | undefined;
  /** Subprotocols that the server speaks. The first of the client's that is among them is chosen (RFC 6455, 4.2.2). */
  protocols?: readonly string[] | undefined;
  /** Exact origins that a browser may come from; '*' lets all in. Same host and port only, unless set. Others get 403. */
  origins?: readonly string[] | '*' | undefined;
  /**
   * Host names, without ports, by which browsers may connect; '*' is any. Others get 403. Unless set, a browser that connects to
   * a loopback address must use a loopback name (localhost, *.localhost, 127.0.0.0/8, [::1]), as a page of a stranger's domain
   * that resolves to 127.0.0.1 is of the same origin as the server there (DNS rebinding). Set it for a proxy on the same
   * machine that forwards the public Host, or list `origins`. Loopback names stay allowed on loopback addresses.
   */
  hosts?: readonly string[] | '*' | undefined;
  /** Before the upgrade. Throw or return undefined to refuse with 401; what it returns is the client's `user`. */
  authenticate?: ((request: IncomingMessage) => unknown) | undefined;
  /** Open clients; handshakes under way count. More get 503. 16,384 by default: idle ones take half a gigabyte. */
  maxClients?: number | undefined;
  /**
   * Sockets of clients that the server has closed and that have not answered yet, beyond those for which `maxClients` has a
   * place. Over it, the oldest is dropped when a client connects. 64 by default: an answer takes a round trip.
   */
  maxClosing?: number | undefined;
  /** Largest message taken, in bytes of payload; a larger one ends its connection with 1009. 64 KiB by default, as a stranger may send it. */
  maxMessageBytes?: number | undefined;
  /** Milliseconds for a handshake, `authenticate` included; with TLS as many again before it, for TLS's own. 10,000 by default, as long as a client waits. */
  handshakeTimeoutMs?: number | undefined;
  /** As for the client: after `pingMs` without a byte (15,000 by default) a ping, which is to be answered within `timeoutMs` (10,000). false: no pings. */
  liveness?: false | LivenessOptions | undefined;
  /** Messages of one client, as a token bucket; over it the client is closed with 1008. None, unless set: an application knows its own rate. */
  rateLimit?: RateLimit | undefined;
  /**
   * Bounds of what waits to be read from one client; a client over them is not read from until there is room. By default
   * 1,024 messages and 1 MiB, or two of the largest messages where that is more: there are as many inboxes as clients.
   */
  inbox?: InboxOptions | undefined;
  /**
   * A client that reads too slowly for this many buffered bytes is closed with 1013. A send returns false from a
   * quarter of it on, so a sender that then awaits `drained()` is never cut off. 4 MiB by default: four seconds at 8 Mbit/s.
   */
  maxBufferedBytes?: number | undefined;
  /**
   * Milliseconds of a turn of the event loop that reading one client may take, its message handlers included. What the client has
   * sent beyond that is read in later turns, after the other clients. 2 by default: much more than any client needs, and little
   * enough that clients that flood the server delay the others by a few milliseconds.
   */
  turnBudgetMs?: number | undefined;
  /** Bounds of the sessions that clients with `session()` hold; false: every client is a plain one. */
  session?: ServerSessionOptions | false | undefined;
}

/** The names of all of them. */
const serverOptions: Readonly<Record<keyof ServerOptions, true>> = {
  tls: true,
  path: true,
  protocols: true,
  origins: true,
  hosts: true,
  authenticate: true,
  maxClients: true,
  maxClosing: true,
  maxMessageBytes: true,
  handshakeTimeoutMs: true,
  liveness: true,
  rateLimit: true,
  inbox: true,
  maxBufferedBytes: true,
  turnBudgetMs: true,
  session: true,
};

export const serverDefaults = {
  /** An idle client costs about 30 KB: these, half a gigabyte. */
  maxClients: 16_384,
  /** Whoever answers does so in a round trip: these are 640 closed clients a second at 100 ms. */
  maxClosing: 64,
  /** A message of a game or a chat is far smaller; what a stranger may make us hold at once should be. */
  maxMessageBytes: 64 * 1024,
  /** As long as a client waits for it by default. */
  handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
  /** Seconds at a hundred messages a second, and no more: there are as many inboxes as clients. */
  inboxMessages: 1_024,
  /** Sixteen messages of the largest default size. */
  inboxBytes: 1024 * 1024,
  /** Four seconds at 8 Mbit/s: a reader that far behind lives in the past. */
  maxBufferedBytes: 4 * 1024 * 1024,
  /** Thousands of messages; and clients that flood the server delay the others by a few of these. */
  turnBudgetMs: 2,
  /** A client that lives answers a close frame in a round trip. */
  graceMs: CLOSE_TIMEOUT_MS,
} as const;

/** What makes a server a wss server. */
export interface TlsOptions {
  /** The private key, PEM. */
  key: string | Buffer;
  /** Its certificate, and those between it and the root, PEM. */
  cert: string | Buffer;
}

/** A token bucket for the messages of one client. */
export interface RateLimit {
  /** Messages a second that a client may send for ever. */
  readonly messagesPerSecond: number;
  /** Messages that it may send at once after a pause. */
  readonly burst: number;
}

/** The options of one server, checked and complete. */
export interface ServerSettings {
  readonly path: string | undefined;
  /** Undefined: the host and port that the request names. */
  readonly origins: readonly string[] | '*' | undefined;
  /** Undefined: on a loopback address the loopback names, elsewhere any. */
  readonly hosts: readonly string[] | '*' | undefined;
  readonly authenticate: ServerOptions['authenticate'];
  readonly maxClients: number;
  readonly maxClosing: number;
  readonly handshakeTimeoutMs: number;
  readonly rateLimit: RateLimit | undefined;
  readonly maxBufferedBytes: number;
  readonly turnBudgetMs: number;
  /** Undefined: none are held. */
  readonly session: ServerSessionSettings | undefined;
  /** Of each client. */
  readonly client: Settings;
}

/** @throws {WebsocketError} `INVALID_OPTION`, `UNSUPPORTED`. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  checkObject('options', options);
  refuseUnsupported(options);
  checkNames(options, serverOptions);
  const maxBufferedBytes = positive('maxBufferedBytes', options.maxBufferedBytes, serverDefaults.maxBufferedBytes);
  return {
    path: resolvePath(options.path),
    origins: resolveOrigins(options.origins),
    hosts: resolveHosts(options.hosts),
    authenticate: checkFunction('authenticate', options.authenticate),
    maxClients: positive('maxClients', options.maxClients, serverDefaults.maxClients),
    maxClosing: positive('maxClosing', options.maxClosing, serverDefaults.maxClosing),
    handshakeTimeoutMs: milliseconds('handshakeTimeoutMs', options.handshakeTimeoutMs, serverDefaults.handshakeTimeoutMs),
    rateLimit: resolveRateLimit(options.rateLimit),
    maxBufferedBytes,
    turnBudgetMs: positive('turnBudgetMs', options.turnBudgetMs, serverDefaults.turnBudgetMs),
    session: resolveServerSession(options.session),
    client: clientSettings(options, maxBufferedBytes),
  };
}

function clientSettings(options: ServerOptions, maxBufferedBytes: number): Settings {
  const maxMessageBytes = positive('maxMessageBytes', options.maxMessageBytes, serverDefaults.maxMessageBytes);
  return resolveOptions({
    reconnect: false,
    protocols: options.protocols,
    maxMessageBytes,
    inbox: inboxOptions(options.inbox, maxMessageBytes),
    // The server client bounds it, at maxBufferedBytes and one message.
    outbox: { highWaterBytes: maxBufferedBytes / 4, maxBytes: Number.POSITIVE_INFINITY },
    liveness: options.liveness,
  });
}

function inboxOptions(inbox: InboxOptions = {}, maxMessageBytes: number): InboxOptions {
  checkObject('inbox', inbox);
  // One message of the largest size, and as much again.
  const mostBytes = Math.max(serverDefaults.inboxBytes, 2 * maxMessageBytes);
  const { maxMessages = serverDefaults.inboxMessages, maxBytes = mostBytes } = inbox;
  return { ...inbox, maxMessages, maxBytes };
}

function resolvePath(path: string | undefined): string | undefined {
  if (path === undefined || (typeof path === 'string' && /^\/[^?#]*$/.test(path))) return path;
  throw invalid('path', path);
}

function resolveOrigins(origins: ServerOptions['origins']): readonly string[] | '*' | undefined {
  if (origins === undefined || origins === '*') return origins;
  if (!Array.isArray(origins)) throw invalid('origins', origins);
  for (const origin of origins) {
    // 'null' and 'file://' are what browsers send for a page that was opened from a file.
    if (origin !== 'null' && origin !== 'file://' && originOf(origin) !== origin) {
      throw invalid('origins', origin, { expected: originOf(origin) });
    }
  }
  return [...origins];
}

function resolveHosts(hosts: ServerOptions['hosts']): readonly string[] | '*' | undefined {
  if (hosts === undefined || hosts === '*') return hosts;
  if (!Array.isArray(hosts)) throw invalid('hosts', hosts);
  return hosts.map((host: unknown) => {
    const name = typeof host === 'string' ? hostNameOf(host) : undefined;
    if (name === undefined || name !== String(host).toLowerCase()) {
      throw invalid('hosts', host);
    }
    return name;
  });
}

function resolveRateLimit(rateLimit: ServerOptions['rateLimit']): RateLimit | undefined {
  if (rateLimit === undefined) return undefined;
  checkObject('rateLimit', rateLimit);
  // There is no rate to assume: a limit that was left out must not be none.
  const messagesPerSecond = positive('rateLimit.messagesPerSecond', rateLimit.messagesPerSecond ?? Number.NaN, Number.NaN);
  // A bucket under one token would let nothing through.
  const burst = Math.max(1, positive('rateLimit.burst', rateLimit.burst, messagesPerSecond));
  checkNames(rateLimit, { messagesPerSecond, burst }, 'rateLimit.');
  return { messagesPerSecond, burst };
}

function refuseUnsupported(options: object): void {
  for (const option of ['backplane', 'topics', 'authorize', 'userKey', 'trustedProxies', 'maxClientsPerAddress']) {
    if ((options as Record<string, unknown>)[option] === undefined) continue;
    throw makeError('UNSUPPORTED', { option });
  }
}

export type CloseSettings = { readonly [Name in keyof ServerCloseOptions]-?: Exclude<ServerCloseOptions[Name], undefined> };

/** @throws {WebsocketError} `INVALID_CLOSE`, `INVALID_OPTION`. */
export function resolveCloseOptions(options: ServerCloseOptions): CloseSettings {
  checkObject('options', options);
  const { code = CloseCode.goingAway, reason = '', graceMs = serverDefaults.graceMs } = options;
  checkNames(options, { code, reason, graceMs });
  checkClose(code, reason);
  return { code, reason, graceMs: graceMs === 0 ? 0 : milliseconds('graceMs', graceMs, serverDefaults.graceMs) };
}
