import type { Backoff } from './backoff.js';
import { checkHas, checkObject, group, groupOrFalse, invalid, milliseconds, positive, type Rule, type Rules } from './option-checks.js';
import type { OnMessage, SessionFeature, TransportFeature, WebsocketType } from './types.js';

/** The options of a client. Each may be omitted; every wait and every queue is bounded. */
export interface ClientOptions {
  /** Called with every message. Without it, messages wait in the inbox for polling, iteration or a stream. */
  onMessage?: OnMessage | undefined;
  /** Subprotocols to offer, in order of preference (RFC 6455, 1.9). None by default. */
  protocols?: readonly string[] | undefined;
  /** Ends a pending connect, and later the connection. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds for the address function, the network and the opening handshake together. Beyond them the attempt fails with
   * `CONNECT_TIMEOUT`.
   *
   * @defaultValue 10,000: TLS over a poor mobile network takes seconds, and a person waits no longer.
   */
  connectTimeoutMs?: number | undefined;
  /**
   * true: `connect()` retries its first attempt as `reconnect` says, as a client of the bus does, and stays pending meanwhile.
   * False by default, so that it rejects with the reason. A client of the bus: true by default.
   */
  retryFirstAttempt?: boolean | undefined;
  /**
   * Milliseconds for `close()`: for the peer's answer, and with a session for a reconnect that delivers the queued messages. Beyond them
   * the socket is destroyed, and the close code is 1006.
   *
   * @defaultValue 5,000: a live peer answers within a round trip.
   */
  closeTimeoutMs?: number | undefined;
  /**
   * The delay before attempt n is random between 0 and min(`maxDelayMs`, `minDelayMs` · 2ⁿ⁻¹) milliseconds, so that the clients
   * of a failed server do not reconnect all at once. false: the client does not reconnect.
   */
  reconnect?: false | ReconnectOptions | undefined;
  /**
   * Largest message that the peer may send, in bytes of payload. A larger one closes the connection with 1009 (`MESSAGE_TOO_BIG`).
   *
   * @defaultValue 16 MiB: four times a large snapshot of a game; a browser holds several of them easily.
   */
  maxMessageBytes?: number | undefined;
  /**
   * Bounds of the messages that wait to be read by getMessage(), iteration or a stream. With a session the receive window replaces
   * them: see `session()`.
   *
   * @defaultValue maxMessages 10,000: seconds of a busy stream, longer than a frame loop stalls.
   * @defaultValue maxBytes 32 MiB: two messages of the largest size.
   */
  inbox?: InboxOptions | undefined;
  /** Bounds of the messages that wait to be sent, while open and while reconnecting. */
  outbox?: OutboxOptions | undefined;
  /** Detection of half-open connections: a ping after `pingMs` without a byte, and `timeoutMs` for the answer. false: none. */
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
  /**
   * Milliseconds: the ceiling of the first delay, which doubles with every attempt.
   *
   * @defaultValue 500: most servers are available again at once.
   */
  minDelayMs?: number | undefined;
  /**
   * Milliseconds: the ceiling of every delay. 5,000 by default in a visible page, because a person waits there.
   *
   * @defaultValue 30,000: the clients of a restarted server are spread over this time.
   */
  maxDelayMs?: number | undefined;
  /**
   * Attempts in a row that may fail. Then the connection is closed.
   *
   * @defaultValue Infinity: a page that shows "reconnecting" should reconnect in the end.
   */
  maxAttempts?: number | undefined;
}

/** Bounds of the messages that wait to be read. */
export interface InboxOptions {
  /** Messages that may wait. Beyond them Node pauses the socket; a browser cannot, and closes with 4408 (`INBOX_FULL`). */
  maxMessages?: number | undefined;
  /** Bytes of payload that may wait. Beyond them, as for `maxMessages`. */
  maxBytes?: number | undefined;
}

/** Bounds of the messages that wait to be sent. */
export interface OutboxOptions {
  /**
   * Bytes from which on a send returns false.
   *
   * @defaultValue 1 MiB: a second at 8 Mbit/s keeps any link busy, and messages fresh.
   */
  highWaterBytes?: number | undefined;
  /**
   * Bytes beyond which a send throws `OUTBOX_FULL`.
   *
   * @defaultValue 16 MiB: one message of the largest size that common servers accept.
   */
  maxBytes?: number | undefined;
}

/** How a half-open connection is detected. */
export interface LivenessOptions {
  /**
   * Milliseconds without a byte after which a ping is sent.
   *
   * @defaultValue 15,000: a quarter of the silence that proxies allow (nginx proxy_read_timeout).
   */
  pingMs?: number | undefined;
  /**
   * Milliseconds for the answer to a ping; 900 after a sleep. Beyond them the connection counts as lost (`LINK_DEAD`).
   *
   * @defaultValue 10,000: far above any round trip.
   */
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

export const CONNECT_TIMEOUT_MS = 10_000;
export const CLOSE_TIMEOUT_MS = 5_000;

/** The rules of the options of a client, and the defaults of its bounds. The docstrings of the options give the reasons. */
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
    minDelayMs: 500,
    maxDelayMs: (option, value, { minDelayMs }) => milliseconds(option, value, Math.max(30_000, minDelayMs as number)),
    maxAttempts: Number.POSITIVE_INFINITY,
  }),
  protocols: checkProtocols,
  maxMessageBytes: 16 * MIB,
  inbox: group({
    maxMessages: 10_000,
    maxBytes: 32 * MIB,
  }),
  outbox: group({
    maxBytes: 16 * MIB,
    highWaterBytes: (option, value, { maxBytes }) => positive(option, value, Math.min(MIB, maxBytes as number)),
  }),
  liveness: groupOrFalse({
    pingMs: 15_000,
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

/** A token of HTTP (RFC 9110, 5.6.2), as RFC 6455 (4.1) requires of a subprotocol. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkProtocols(option: string, protocols: unknown = []): readonly string[] {
  const isValid =
    Array.isArray(protocols) &&
    protocols.every((name) => typeof name === 'string' && TOKEN.test(name)) &&
    new Set(protocols).size === protocols.length;
  if (isValid) return protocols as string[];
  throw invalid(option, protocols);
}
