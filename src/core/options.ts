import type { Backoff } from './backoff.js';
import { checkHas, checkObject, group, groupOrFalse, invalid, milliseconds, positive, type Rule, type Rules } from './option-checks.js';
import type { OnMessage, SessionFeature, TransportFeature, WebsocketType } from './types.js';

/** The options of a client. Each may be left out; every wait and every queue is bounded. */
export interface ClientOptions {
  /** Called with every message. Without it messages wait in the inbox for polling, iteration or a stream. */
  onMessage?: OnMessage | undefined;
  /** Subprotocols to offer, in order of preference (RFC 6455, 1.9). None by default. */
  protocols?: readonly string[] | undefined;
  /** Ends a pending connect, and later the connection. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for the address function, the network and the opening handshake together. 10,000 by default, as long as a person waits. */
  connectTimeoutMs?: number | undefined;
  /**
   * true: `connect()` retries its first attempt as `reconnect` says, as a client of the bus does, and stays pending meanwhile.
   * False by default, so that it rejects with the reason. A client of the bus: true by default.
   */
  retryFirstAttempt?: boolean | undefined;
  /**
   * Milliseconds for `close()`: for the answer of the peer, and with a session for a reconnect that delivers the rest. 5,000 by
   * default: a live peer answers in a round trip.
   */
  closeTimeoutMs?: number | undefined;
  /**
   * The delay before attempt n is random between 0 and min(`maxDelayMs`, `minDelayMs` · 2ⁿ⁻¹) milliseconds, so that the clients
   * of a failed server do not return all at once. 500 and 30,000 by default, with unlimited attempts; in a visible page
   * `maxDelayMs` is 5,000 by default, because a person waits there. false: one connection and no more.
   */
  reconnect?: false | ReconnectOptions | undefined;
  /** Largest message accepted from the peer, in bytes of payload. A larger one ends the connection with 1009. 16 MiB by default. */
  maxMessageBytes?: number | undefined;
  /**
   * Bounds of the messages that wait to be read by getMessage(), iteration or a stream. 10,000 messages by default, seconds of a busy
   * stream, and 32 MiB, twice the largest message. With a session the receive window replaces them: see `session()`.
   */
  inbox?: InboxOptions | undefined;
  /**
   * Bounds of the messages that wait to be sent, while open and while reconnecting. From `highWaterBytes` on, 1 MiB by default, sends return
   * false; over `maxBytes`, 16 MiB by default, they throw `OUTBOX_FULL`.
   */
  outbox?: OutboxOptions | undefined;
  /**
   * Detection of half-open connections: a ping after `pingMs` without a byte, and `timeoutMs` for the answer. 15,000 by default, a
   * quarter of the time that proxies allow a silent connection, and 10,000, far over any round trip. false: none.
   */
  liveness?: false | LivenessOptions | undefined;
  /** session() from "gemsocket/session". Without it, a plain WebSocket for any server. */
  session?: SessionFeature | undefined;
  /** webSocketStream() from "gemsocket/websocket-stream", in Chromium only. Without it, the WebSocket of the platform. */
  transport?: TransportFeature | undefined;
  /** Node only: headers, TLS and agent options of the handshake. In a browser they throw UNSUPPORTED. */
  node?: NodeOptions | undefined;
}

/** The options of `connect()`: those of a client, and the type, which the two classes have in their names. */
export interface ConnectOptions extends ClientOptions {
  /** `'secure'` by default, so that nothing is sent unencrypted by mistake; `'insecure'` dials ws. */
  type?: WebsocketType | undefined;
}

/** When and how often a client tries to reconnect. */
export interface ReconnectOptions {
  /** Milliseconds: the ceiling of the first delay. 500 by default: most servers are back at once. */
  minDelayMs?: number | undefined;
  /** Milliseconds: the ceiling of every delay. 30,000 by default: after an outage all clients are back within that time. */
  maxDelayMs?: number | undefined;
  /** Attempts in a row that may fail. Without end by default. */
  maxAttempts?: number | undefined;
}

/** Bounds of the messages that wait to be read. */
export interface InboxOptions {
  /** Messages that may wait. */
  maxMessages?: number | undefined;
  /** Bytes of payload that may wait. */
  maxBytes?: number | undefined;
}

/** Bounds of the messages that wait to be sent. */
export interface OutboxOptions {
  /** Bytes from which on a send returns false. 1 MiB by default, a second at 8 Mbit/s. */
  highWaterBytes?: number | undefined;
  /** Bytes over which a send throws `OUTBOX_FULL`. 16 MiB by default, one message of the largest size that common servers take. */
  maxBytes?: number | undefined;
}

/** How a half-open connection is detected. */
export interface LivenessOptions {
  /** Milliseconds without a byte after which a ping is sent. 15,000 by default, a quarter of what proxies allow a silent connection. */
  pingMs?: number | undefined;
  /** Milliseconds for the answer. 10,000 by default, far over any round trip. */
  timeoutMs?: number | undefined;
}

/** More options of Node's handshake: also every TLS and agent option of `https.request()`. */
export interface NodeOptions {
  /** Headers of the opening handshake, such as `authorization`. */
  headers?: Record<string, string> | undefined;
  [tlsOrAgentOption: string]: unknown;
}

export interface InboxBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export interface OutboxBounds {
  readonly highWaterBytes: number;
  readonly maxBytes: number;
}

export interface LivenessTimes {
  readonly pingMs: number;
  readonly timeoutMs: number;
}

/** The options of one client, checked and complete. */
export interface Settings {
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly reconnect: Backoff | undefined;
  /** The application chose `reconnect.maxDelayMs`, so that a visible page waits as long, too. */
  readonly givenMaxDelayMs?: number | undefined;
  readonly protocols: readonly string[];
  readonly maxMessageBytes: number;
  readonly inbox: InboxBounds;
  readonly outbox: OutboxBounds;
  readonly liveness: LivenessTimes | undefined;
  readonly node: Readonly<Record<string, unknown>>;
}

const MIB = 1_048_576;

/** A TLS handshake over a poor mobile network takes seconds; a person waits about ten. */
export const CONNECT_TIMEOUT_MS = 10_000;

/** A live peer answers a close frame in a round trip. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** The rules of the options of a client, and the defaults of its bounds. */
const clientRules = {
  onMessage: has('call'),
  signal: has('addEventListener'),
  session: has('makeChannel'),
  transport: has('dial'),
  retryFirstAttempt: checkBoolean,
  type: () => undefined,
  node: (option: string, value: unknown) => checkObject(option, value),
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  closeTimeoutMs: CLOSE_TIMEOUT_MS,
  reconnect: groupOrFalse({
    /** Half a second at most for the common case, a server that is back at once; then doubling. */
    minDelayMs: 500,
    /** A server that returns after minutes gets its clients back within this time, spread evenly over it. */
    maxDelayMs: (option, value, { minDelayMs }) => milliseconds(option, value, Math.max(30_000, minDelayMs as number)),
    /** An application that shows "reconnecting" expects it to succeed, however late. */
    maxAttempts: Number.POSITIVE_INFINITY,
  }),
  protocols: checkProtocols,
  /** Four times what a large game snapshot has; a browser holds several of them without noticing. */
  maxMessageBytes: 16 * MIB,
  inbox: group({
    /** Several seconds at a thousand messages a second: longer than a frame loop may stall and still be alive. */
    maxMessages: 10_000,
    /** Room for one message of the largest size, and as much again. */
    maxBytes: 32 * MIB,
  }),
  outbox: group({
    /** One message of the largest size that common servers take. */
    maxBytes: 16 * MIB,
    /** A second at 8 Mbit/s: enough to keep any link busy, little enough that fresh messages are not stale. */
    highWaterBytes: (option, value, { maxBytes }) => positive(option, value, Math.min(MIB, maxBytes as number)),
  }),
  liveness: groupOrFalse({
    /** Under the 60 s after which proxies cut a silent connection (nginx proxy_read_timeout), with room for three lost. */
    pingMs: 15_000,
    /** Far over any round trip; with pingMs, a dead link is known within 25 s. */
    timeoutMs: 10_000,
  }),
};

/**
 * The options, checked and complete, and those that `others` has rules for.
 *
 * @throws {WebsocketError} `INVALID_OPTION` for a name that does not exist, and for a value that cannot work.
 */
export function resolveOptions(options: ConnectOptions, others?: Rules): Settings {
  const settings = group({ ...clientRules, ...others })('', options, {});
  return { ...settings, givenMaxDelayMs: (options.reconnect || undefined)?.maxDelayMs };
}

function has(method: string): Rule<void> {
  return (option, value) => {
    if (value !== undefined) checkHas(option, value, method);
  };
}

function checkBoolean(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') throw invalid(option, value);
}

/** A token of HTTP (RFC 9110, 5.6.2), which is what RFC 6455 (4.1) wants of a subprotocol. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkProtocols(option: string, protocols: unknown = []): readonly string[] {
  const isValid =
    Array.isArray(protocols) &&
    protocols.every((name) => typeof name === 'string' && TOKEN.test(name)) &&
    new Set(protocols).size === protocols.length;
  if (isValid) return protocols as string[];
  throw invalid(option, protocols);
}
