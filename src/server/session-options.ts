import { between, checkFunction, group, positive } from '../core/option-checks.js';
import { sessionDefaults, sessionRules } from '../session/feature.js';
import type { RegistryBounds } from '../session/registry.js';

const MIB = 1_048_576;

/** Bounds of the sessions of clients with `session()`. */
export interface ServerSessionOptions {
  /**
   * Bytes from one client that may be unread before the client has to wait. Each message counts 32 more than its size. At least 32 KiB.
   *
   * @defaultValue 1 MiB: `inbox.maxBytes` of a plain client.
   */
  windowBytes?: number | undefined;
  /**
   * Bytes that may be sent to one client and not acknowledged. Each batch counts 160 more than its size. Beyond them, messages wait and
   * count towards `maxBufferedBytes`.
   *
   * @defaultValue 1 MiB: 80 Mbit/s over a round trip of 100 ms, for every client.
   */
  replayBytes?: number | undefined;
  /**
   * Milliseconds, up to 1,000, that a message to a client waits to be batched with later ones.
   *
   * More means fewer batches, each of which costs a browser time, from a server that sends from many turns of the event loop.
   *
   * @defaultValue 0: a single message should not wait.
   */
  batchDelayMs?: number | undefined;
  /**
   * Milliseconds that the session of a disconnected client is kept. Then it ends, and its client gets a new one.
   *
   * @defaultValue 120,000: a tunnel, a lift, a change of networks, or a phone that is locked for a moment.
   */
  resumeWindowMs?: number | undefined;
  /**
   * Detached sessions, whose clients are disconnected, of the whole server; with 0 none is kept. Beyond them a session is evicted.
   *
   * First a session whose client never sent or acknowledged a message, or disconnected within ten seconds of its beginning; otherwise the
   * one that has been detached longest.
   *
   * @defaultValue 10,000: all clients of a mid-sized server, disconnected at once.
   */
  maxDetached?: number | undefined;
  /**
   * Memory of all detached sessions together, in bytes. Beyond it, as for `maxDetached`.
   *
   * @defaultValue 256 MiB: a quarter of a small server's memory.
   */
  maxDetachedBytes?: number | undefined;
  /**
   * Detached sessions of one address. Beyond them a session of that address is evicted.
   *
   * 100 is plenty, unless the clients are behind a proxy that `trustedProxies` does not count: then all have the proxy's address.
   *
   * @defaultValue 5,000: half of `maxDetached`, so that one stranger cannot occupy all places.
   */
  maxDetachedPerAddress?: number | undefined;
  /**
   * Detached sessions of one user, by `userKey`, or as `authenticate` returned it, compared as JSON. Beyond them a session of that
   * user is evicted.
   *
   * If a user is a person, 16 is plenty.
   *
   * @defaultValue 5,000: half of `maxDetached`, because many servers have one user for all guests.
   */
  maxDetachedPerUser?: number | undefined;
  /**
   * Whether the results of `authenticate` for the session and for the handshake that resumes it are the same user. By default they are
   * if their `userKey` is the same, or without that option if they are deeply equal: set one of the two if the result changes between
   * handshakes, as the expiry of a token does.
   */
  isSameUser?: ((before: unknown, now: unknown) => boolean) | undefined;
}

export interface ServerSessionSettings extends RegistryBounds {
  readonly ackDelayMs: number;
  readonly batchDelayMs: number;
  readonly windowBytes: number;
  readonly replayBytes: number;
  readonly isSameUser: ServerSessionOptions['isSameUser'];
}

const { ackDelayMs, ...channelRules } = sessionRules({ ...sessionDefaults, replayBytes: MIB });

/** The rules of the options of a server's sessions, and the defaults of their bounds. */
const serverSessionRules = {
  ...channelRules,
  resumeWindowMs: 120_000,
  maxDetached: between(0, Number.POSITIVE_INFINITY, 10_000),
  maxDetachedPerAddress: half,
  maxDetachedPerUser: half,
  maxDetachedBytes: 256 * MIB,
  isSameUser: (option: string, value: unknown) => checkFunction(option, value as ServerSessionOptions['isSameUser']),
};

/** @throws {WebsocketError} `INVALID_OPTION`. */
export function resolveServerSession(options: ServerSessionOptions | false = {}): ServerSessionSettings | undefined {
  return options === false ? undefined : { ackDelayMs, ...group(serverSessionRules)('session', options, {}) };
}

/** Half of `maxDetached` by default. */
function half(option: string, value: unknown, { maxDetached }: Readonly<Record<string, unknown>>): number {
  return positive(option, value, Math.max(1, Math.ceil((maxDetached as number) / 2)));
}
