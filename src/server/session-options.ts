import { isDeepStrictEqual } from 'node:util';
import { checkFunction, group, positive } from '../core/option-checks.js';
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
   * Milliseconds that a message to a client waits for more to leave with it, from 0, the default, to 1,000. For a server that
   * sends from many turns of the event loop: a browser pays for each batch that it reads.
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
   * Whether two results of `authenticate`, that of the session and that of the handshake that resumes it, are the same
   * user. Deep equality by default: set it if the result changes between handshakes, as the expiry of a token does.
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

/** The rules of the options of a server's sessions; `resolveSession` checks the first three. */
const sessionRules = {
  windowBytes: unchecked,
  replayBytes: unchecked,
  batchDelayMs: unchecked,
  resumeWindowMs: registryDefaults.resumeWindowMs,
  // 0 is allowed: a client that disconnects then loses its session.
  maxDetached: (option: string, value: unknown) => (value === 0 ? 0 : positive(option, value, registryDefaults.maxDetached)),
  maxDetachedPerAddress: half,
  maxDetachedPerUser: half,
  maxDetachedBytes: registryDefaults.maxDetachedBytes,
  isSameUser: (option: string, value: unknown) => checkFunction(option, value as ServerSessionOptions['isSameUser']) ?? isDeepStrictEqual,
};

/** @throws {WebsocketError} `INVALID_OPTION`. */
export function resolveServerSession(options: ServerSessionOptions | false = {}): ServerSessionSettings | undefined {
  if (options === false) return undefined;
  const { windowBytes, replayBytes, batchDelayMs, ...bounds } = group(sessionRules)('session', options, {});
  const channel = resolveSession({ windowBytes, replayBytes, batchDelayMs }, { ...sessionDefaults, ...serverSessionDefaults });
  return { ...channel, ...bounds };
}

function unchecked(_option: string, value: unknown): number | undefined {
  return value as number | undefined;
}

/** Half of `maxDetached` by default. */
function half(option: string, value: unknown, { maxDetached }: Readonly<Record<string, unknown>>): number {
  return positive(option, value, Math.max(1, Math.ceil((maxDetached as number) / 2)));
}
