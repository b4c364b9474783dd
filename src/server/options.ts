import type { IncomingMessage } from 'node:http';
import * as CloseCode from '../core/close-code.js';
import { checkClose } from '../core/close-codes.js';
import { makeError } from '../core/errors.js';
import { checkFunction, checkNames, checkObject, group, invalid, milliseconds, positive } from '../core/option-checks.js';
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  type InboxOptions,
  type LivenessOptions,
  resolveOptions,
  type Settings,
} from '../core/options.js';
import { hostNameOf, originOf } from './request.js';
import { resolveServerSession, type ServerSessionOptions, type ServerSessionSettings } from './session-options.js';
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

/** The rules of the options of a server, and the defaults of its bounds. */
const serverRules = {
  tls: unchecked<TlsOptions>,
  path: resolvePath,
  protocols: unchecked<readonly string[]>,
  origins: resolveOrigins,
  hosts: resolveHosts,
  authenticate: (option: string, value: unknown) => checkFunction(option, value as ServerOptions['authenticate']),
  /** An idle client takes about 30 KB: half a gigabyte. */
  maxClients: 16_384,
  /** A client answers a close frame within a round trip: 640 closed clients a second at 100 ms. */
  maxClosing: 64,
  /** Messages of games and chats are far smaller. It bounds the memory that a stranger may occupy. */
  maxMessageBytes: 64 * 1024,
  /** As long as a client waits by default. */
  handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
  liveness: unchecked<false | LivenessOptions>,
  rateLimit: resolveRateLimit,
  inbox: (option: string, value: unknown, { maxMessageBytes }: Readonly<Record<string, unknown>>) =>
    group({
      /** Seconds at a hundred messages a second; there are as many inboxes as clients. */
      maxMessages: 1_024,
      /** Sixteen messages of the largest default size, and at least two of the largest size. */
      maxBytes: Math.max(1_048_576, 2 * (maxMessageBytes as number)),
    })(option, value, {}),
  /** Four seconds at 8 Mbit/s. */
  maxBufferedBytes: 4 * 1024 * 1024,
  /** Thousands of messages. Clients that flood the server delay the others by a few of these. */
  turnBudgetMs: (option: string, value: unknown) => positive(option, value, 2),
  session: (_option: string, value: unknown) => resolveServerSession(value as ServerOptions['session']),
};

/** @throws {WebsocketError} `INVALID_OPTION`, `UNSUPPORTED`. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  checkObject('options', options);
  refuseUnsupported(options);
  const { tls, protocols, liveness, inbox, maxMessageBytes, ...own } = group(serverRules)('', options, {});
  const client = resolveOptions({
    reconnect: false,
    protocols,
    maxMessageBytes,
    inbox,
    // AcceptedClient closes a client at maxBufferedBytes, so the outbox has no bound of its own.
    outbox: { highWaterBytes: own.maxBufferedBytes / 4, maxBytes: Number.POSITIVE_INFINITY },
    liveness,
  });
  return { ...own, client };
}

/** `listen` checks it, or the rules of a client's options. */
function unchecked<T>(_option: string, value: unknown): T | undefined {
  return value as T | undefined;
}

function resolvePath(option: string, path: unknown): string | undefined {
  if (path === undefined || (typeof path === 'string' && /^\/[^?#]*$/.test(path))) return path;
  throw invalid(option, path);
}

function resolveOrigins(option: string, origins: unknown): readonly string[] | '*' | undefined {
  if (origins === undefined || origins === '*') return origins;
  if (!Array.isArray(origins)) throw invalid(option, origins);
  for (const origin of origins) {
    // 'null' and 'file://' are what browsers send for a page that was opened from a file.
    if (origin !== 'null' && origin !== 'file://' && originOf(origin) !== origin) {
      throw invalid(option, origin, { expected: originOf(origin) });
    }
  }
  return [...origins];
}

function resolveHosts(option: string, hosts: unknown): readonly string[] | '*' | undefined {
  if (hosts === undefined || hosts === '*') return hosts;
  if (!Array.isArray(hosts)) throw invalid(option, hosts);
  return hosts.map((host: unknown) => {
    const name = typeof host === 'string' ? hostNameOf(host) : undefined;
    if (name === undefined || name !== String(host).toLowerCase()) {
      throw invalid(option, host);
    }
    return name;
  });
}

function resolveRateLimit(option: string, rateLimit: unknown): RateLimit | undefined {
  if (rateLimit === undefined) return undefined;
  // Without a default: an omitted or misspelled rate must not mean no limit.
  const messagesPerSecond = positive(
    `${option}.messagesPerSecond`,
    checkObject(option, rateLimit).messagesPerSecond ?? Number.NaN,
    Number.NaN,
  );
  return group({
    messagesPerSecond,
    // With a burst of less than one token no message would pass.
    burst: (name, value) => Math.max(1, positive(name, value, messagesPerSecond)),
  })(option, rateLimit, {});
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
  const { code = CloseCode.goingAway, reason = '', graceMs = CLOSE_TIMEOUT_MS } = options;
  checkNames(options, { code, reason, graceMs });
  checkClose(code, reason);
  return { code, reason, graceMs: graceMs === 0 ? 0 : milliseconds('graceMs', graceMs, CLOSE_TIMEOUT_MS) };
}
