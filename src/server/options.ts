import type { IncomingMessage } from 'node:http';
import type { Backplane, NodeBackplane } from '../backplane/backplane.js';
import { MAX_TIMER_MS } from '../core/clock.js';
import * as CloseCode from '../core/close-codes.js';
import { checkClose } from '../core/close-codes.js';
import { between, type Checked, checkFunction, checkHas, checkObject, group, invalid, positive } from '../core/option-checks.js';
import {
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  type InboxOptions,
  type LivenessOptions,
  resolveOptions,
  type Settings,
} from '../core/options.js';
import type { Authorize } from './authorization.js';
import { hostNameOf, originOf } from './request.js';
import { resolveServerSession, type ServerSessionOptions, type ServerSessionSettings } from './session-options.js';
import { resolveTopics, type ServerTopicOptions, type ServerTopicSettings } from './topic-options.js';
import type { ServerCloseOptions } from './types.js';

/** The options of a server. Every wait and every queue is bounded. */
export interface ServerOptions {
  /** TLS key and certificate, PEM: the server is wss. For `listen` only; `attach` takes an https.Server. */
  tls?: TlsOptions | undefined;
  /** The only path that is served, without a query; others get 404. Every path by default. */
  path?: string | undefined;
  /** Subprotocols of the server. It selects the first of the client's that is among them (RFC 6455, 4.2.2). */
  protocols?: readonly string[] | undefined;
  /** Exact origins of the pages that may connect; '*' allows all. The server's own host and port by default. Others get 403. */
  origins?: readonly string[] | '*' | undefined;
  /**
   * Host names, without ports, by which browsers may connect; '*' allows any. Others get 403. By default, a browser that connects to
   * a loopback address must use a loopback name (localhost, *.localhost, 127.0.0.0/8, [::1]), because a page of an attacker's domain
   * that resolves to 127.0.0.1 has the same origin as the server there (DNS rebinding). Set it for a proxy on the same
   * machine that forwards the public Host, or list `origins`. Loopback names stay allowed on loopback addresses.
   */
  hosts?: readonly string[] | '*' | undefined;
  /** Called before the upgrade. Throw or return undefined to refuse with 401; the result becomes the client's `user`. */
  authenticate?: ((request: IncomingMessage) => unknown) | undefined;
  /**
   * Identifies the user that `authenticate` returned, across connections: for `disconnectUser`, `session.maxDetachedPerUser` and
   * `session.isSameUser`. By default each client is a user of its own, whose key is the client's id. If it throws, or returns no string,
   * that is an `error` event of the server, and the client is no known user's.
   */
  userKey?: ((user: unknown) => string) | undefined;
  /**
   * Proxies in front of the server that append to X-Forwarded-For or Forwarded (RFC 7239): `request.remoteAddress`, the refusals, the log
   * and all bounds for each address take the address that many hops back.
   *
   * Too many, and clients can choose their address. If a list is missing, short or malformed, the furthest address counts that one of
   * these proxies has reported. The header that they do not write must not pass them: if both are present and differ, neither counts.
   *
   * @defaultValue 0: no header counts, because a client can send any.
   */
  trustedProxies?: number | undefined;
  /**
   * Open connections and pending handshakes of one `remoteAddress`; detached sessions do not count. The next handshake gets 429.
   *
   * @defaultValue Infinity: a school or a mobile network may have thousands of people behind one address.
   */
  maxClientsPerAddress?: number | undefined;
  /**
   * Open clients and pending handshakes of the server. The next handshake gets 503.
   *
   * @defaultValue 16,384: idle clients take half a gigabyte, about 30 KB each.
   */
  maxClients?: number | undefined;
  /**
   * Sockets of clients that the server has closed and that have not answered yet, beyond those for which `maxClients` has a
   * place. When a client connects, the socket that has been closing longest is destroyed.
   *
   * @defaultValue 64: a client answers within a round trip, so 640 a second at 100 ms.
   */
  maxClosing?: number | undefined;
  /**
   * Largest message that a client may send, in bytes of payload. A larger one closes its connection with 1009.
   *
   * @defaultValue 64 KiB: the memory that a stranger may occupy; messages of games and chats are far smaller.
   */
  maxMessageBytes?: number | undefined;
  /**
   * Milliseconds for a handshake, `authenticate` included; with TLS as many again for the TLS handshake. Beyond them the answer is 408,
   * or the socket is destroyed.
   *
   * @defaultValue 10,000: as long as a client waits.
   */
  handshakeTimeoutMs?: number | undefined;
  /** Pings, as for the client: after `pingMs` without a byte, 15,000 by default, and `timeoutMs`, 10,000, for the answer. false: no pings. */
  liveness?: false | LivenessOptions | undefined;
  /**
   * Messages of one client, as a token bucket. Beyond it the client is closed with 1008 (`RATE_LIMITED`).
   *
   * @defaultValue none: an application knows its own rate.
   */
  rateLimit?: RateLimit | undefined;
  /**
   * Bounds of the messages of one client that wait to be read. A client beyond them is not read from until there is room.
   *
   * @defaultValue maxMessages 1,024: seconds at a hundred messages a second; there are as many inboxes as clients.
   * @defaultValue maxBytes 1 MiB: sixteen messages of the largest default size, and always at least two of the largest size.
   */
  inbox?: InboxOptions | undefined;
  /**
   * Bytes buffered for one client. Beyond them a client that reads too slowly is closed with 1013 (`TOO_SLOW`).
   *
   * From a quarter of them on a send returns false, so a sender that then awaits `drained()` never loses its client.
   *
   * @defaultValue 4 MiB: four seconds at 8 Mbit/s.
   */
  maxBufferedBytes?: number | undefined;
  /**
   * Milliseconds of a turn of the event loop for reading one client, its message handlers included. The rest is read in later turns,
   * after the other clients.
   *
   * @defaultValue 2: thousands of messages; clients that flood the server delay the others by a few of these.
   */
  turnBudgetMs?: number | undefined;
  /** Bounds of the sessions of clients with `session()`; false: every client is plain. */
  session?: ServerSessionOptions | false | undefined;
  /** Where topics live: this process by default. */
  backplane?: Backplane | undefined;
  /** History and bounds of topics. */
  topics?: ServerTopicOptions | undefined;
  /**
   * Called before a client subscribes, publishes or joins a presence. Return true, or a grant, which may end. Without this function all
   * three are `FORBIDDEN`; so they are if it throws (the server has an `error` event) or takes longer than `authorizeTimeoutMs`.
   */
  authorize?: Authorize | undefined;
  /**
   * Milliseconds for `authorize`.
   *
   * @defaultValue 10,000: as for a handshake. A request to a database takes far less.
   */
  authorizeTimeoutMs?: number | undefined;
}

/** The options of a wss server. */
export interface TlsOptions {
  /** The private key, PEM. */
  key: string | Buffer;
  /** Its certificate, and those between it and the root, PEM. */
  cert: string | Buffer;
}

/** A token bucket for the messages of one client. */
export interface RateLimit {
  /** Messages a second that a client may send without end. */
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
  readonly userKey: ServerOptions['userKey'];
  readonly trustedProxies: number;
  readonly maxClientsPerAddress: number;
  readonly maxClients: number;
  readonly maxClosing: number;
  readonly handshakeTimeoutMs: number;
  readonly rateLimit: RateLimit | undefined;
  readonly maxBufferedBytes: number;
  readonly turnBudgetMs: number;
  /** Undefined: this process. */
  readonly backplane: NodeBackplane | undefined;
  readonly topics: ServerTopicSettings;
  readonly authorize: Authorize | undefined;
  readonly authorizeTimeoutMs: number;
  /** Undefined: none are held. */
  readonly session: ServerSessionSettings | undefined;
  /** Of each client. */
  readonly client: Settings;
}

/** The rules of the options of a server, and the defaults of its bounds. The docstrings of the options give the reasons. */
const serverRules = {
  tls: unchecked<TlsOptions>,
  path: resolvePath,
  protocols: unchecked<readonly string[]>,
  origins: resolveOrigins,
  hosts: resolveHosts,
  authenticate: (option: string, value: unknown) => checkFunction(option, value as ServerOptions['authenticate']),
  userKey: (option: string, value: unknown) => checkFunction(option, value as ServerOptions['userKey']),
  trustedProxies: between(0, Number.POSITIVE_INFINITY, 0),
  maxClientsPerAddress: Number.POSITIVE_INFINITY,
  maxClients: 16_384,
  maxClosing: 64,
  maxMessageBytes: 64 * 1024,
  handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
  liveness: unchecked<false | LivenessOptions>,
  rateLimit: resolveRateLimit,
  inbox: (option: string, value: unknown, { maxMessageBytes }: Readonly<Record<string, unknown>>) =>
    group({
      maxMessages: 1_024,
      maxBytes: Math.max(1_048_576, 2 * (maxMessageBytes as number)),
    })(option, value, {}),
  maxBufferedBytes: 4 * 1024 * 1024,
  turnBudgetMs: (option: string, value: unknown) => positive(option, value, 2),
  session: (_option: string, value: unknown) => resolveServerSession(value as ServerOptions['session']),
  backplane: (option: string, value: unknown) => {
    if (value !== undefined) checkHas(option, value, 'publish');
    return value as NodeBackplane | undefined;
  },
  topics: (_option: string, value: unknown, { maxMessageBytes }: Readonly<Record<string, unknown>>) =>
    resolveTopics(value, maxMessageBytes as number),
  authorize: (option: string, value: unknown) => checkFunction(option, value as ServerOptions['authorize']),
  authorizeTimeoutMs: 10_000,
};

/** @throws {WebsocketError} `INVALID_OPTION`, `UNSUPPORTED`. */
export function resolveServerOptions(options: ServerOptions): ServerSettings {
  checkObject('options', options);
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

/** `listen` or the rules of a client's options check it. */
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
    // For a page that was opened from a file, browsers send 'null' or 'file://'.
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

const closeRules = {
  code: (_option: string, value: unknown = CloseCode.goingAway) => value as number,
  reason: (_option: string, value: unknown = '') => value as string,
  graceMs: between(0, MAX_TIMER_MS, CLOSE_TIMEOUT_MS),
};

export type CloseSettings = Checked<typeof closeRules>;

/** @throws {WebsocketError} `INVALID_CLOSE`, `INVALID_OPTION`. */
export function resolveCloseOptions(options: ServerCloseOptions): CloseSettings {
  const settings = group(closeRules)('', options, {});
  checkClose(settings.code, settings.reason);
  return settings;
}
