import { isDeepStrictEqual } from 'node:util';
import { checkFunction, checkNames, checkObject, milliseconds, positive } from '../core/option-checks.js';
import { resolveSession, sessionDefaults } from '../session/feature.js';
import { type RegistryBounds, registryDefaults } from '../session/registry.js';

/** Bounds of the sessions that clients with `session()` hold. docs/guides/operating.md says of each default why it is so much. */
export interface ServerSessionOptions {
  /** Bytes from one client that may wait to be read before it is stopped, each message counting 32 more than it has. 1 MiB by default, 32 KiB at the least. */
  windowBytes?: number | undefined;
  /**
   * Bytes sent to one client and not acknowledged, each batch counting 160 more than it has. Beyond that, messages wait, and
   * count for `maxBufferedBytes`. 1 MiB by default.
   */
  replayBytes?: number | undefined;
  /**
   * Milliseconds that a message to a client waits for more to leave with it, from 0, the default, to 1,000. For who sends from
   * many turns of the event loop: a browser pays for each batch that it reads.
   */
  batchDelayMs?: number | undefined;
  /** Milliseconds that a session is kept for a client that is away. Two minutes by default: a tunnel, a lift, a change of networks. */
  resumeWindowMs?: number | undefined;
  /**
   * Sessions whose clients are away. 10,000 by default; 0 keeps none. Over it a session ends: first one whose client never sent or
   * acknowledged a message, or left within ten seconds of its beginning; otherwise the one whose client left first.
   */
  maxDetached?: number | undefined;
  /** Bytes that those hold together; the same is done over it. 256 MiB by default, a quarter of a small server's memory. */
  maxDetachedBytes?: number | undefined;
  /**
   * Of `maxDetached`, what the clients of one address may have. Half of it by default: a stranger cannot take all places, and a
   * proxy, whose clients all have its address, has many. Behind a proxy, set it to `maxDetached`; without one, 100 is plenty.
   */
  maxDetachedPerAddress?: number | undefined;
  /**
   * The same for one user, which is what `authenticate` returned, compared as JSON. Half of `maxDetached` by default, as many
   * servers have one user for all guests. Where a user is a person, 16 is plenty.
   */
  maxDetachedPerUser?: number | undefined;
  /**
   * Whether what `authenticate` returned for a session and what it returns for who wants to go on with it are the same
   * user. Deeply equal, unless set: set it where that changes from handshake to handshake, as the expiry of a token does.
   */
  isSameUser?: ((before: unknown, now: unknown) => boolean) | undefined;
}

export const serverSessionDefaults = {
  /** What `inbox.maxBytes` is for a plain client. */
  windowBytes: 1024 * 1024,
  /** A round trip of 100 ms at 80 Mbit/s; there are as many of these as clients. */
  replayBytes: 1024 * 1024,
} as const;

export interface ServerSessionSettings extends RegistryBounds {
  readonly ackDelayMs: number;
  readonly batchDelayMs: number;
  readonly windowBytes: number;
  readonly replayBytes: number;
  readonly isSameUser: (before: unknown, now: unknown) => boolean;
}

/** The names of all of them. */
const serverSessionOptions: Readonly<Record<keyof ServerSessionOptions, true>> = {
  windowBytes: true,
  replayBytes: true,
  batchDelayMs: true,
  resumeWindowMs: true,
  maxDetached: true,
  maxDetachedBytes: true,
  maxDetachedPerAddress: true,
  maxDetachedPerUser: true,
  isSameUser: true,
};

/** @throws {WebsocketError} `INVALID_OPTION`. */
export function resolveServerSession(options: ServerSessionOptions | false = {}): ServerSessionSettings | undefined {
  if (options === false) return undefined;
  checkObject('session', options);
  const {
    windowBytes,
    replayBytes,
    batchDelayMs,
    resumeWindowMs,
    maxDetached,
    maxDetachedBytes,
    isSameUser,
    maxDetachedPerAddress,
    maxDetachedPerUser,
  } = options;
  checkNames(options, serverSessionOptions, 'session.');
  // None is a bound, too: a client that loses its connection then loses its session.
  const most = maxDetached === 0 ? 0 : positive('session.maxDetached', maxDetached, registryDefaults.maxDetached);
  const half = Math.max(1, Math.ceil(most / 2));
  return {
    ...resolveSession({ windowBytes, replayBytes, batchDelayMs }, { ...sessionDefaults, ...serverSessionDefaults }),
    resumeWindowMs: milliseconds('session.resumeWindowMs', resumeWindowMs, registryDefaults.resumeWindowMs),
    maxDetached: most,
    maxDetachedPerAddress: positive('session.maxDetachedPerAddress', maxDetachedPerAddress, half),
    maxDetachedPerUser: positive('session.maxDetachedPerUser', maxDetachedPerUser, half),
    maxDetachedBytes: positive('session.maxDetachedBytes', maxDetachedBytes, registryDefaults.maxDetachedBytes),
    isSameUser: checkFunction('session.isSameUser', isSameUser) ?? isDeepStrictEqual,
  };
}
