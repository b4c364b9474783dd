import type { ChannelOptions } from '../core/client-parts.js';
import type { Target } from '../core/dialer.js';
import type { Settings } from '../core/options.js';
import type { Platform } from '../core/platform.js';
import type { Locks, PortLike } from './port.js';
import type { Join, SharedSettings } from './posts.js';

/** Bytes in transit to a tab: as many as an inbox holds, so that a page that hangs for a while misses no messages. */
const PLAIN_WINDOW_BYTES = 32 * 1024 * 1024;

/** The parts of a client whose connection is a hub's. */
export interface TabConnectionParts {
  readonly platform: Platform;
  readonly settings: Settings;
  /** See `shareKey`. */
  readonly key: string | undefined;
  /** Undefined: the hub asks for it, and `target` answers. */
  readonly address: string | undefined;
  readonly target: Target;
  readonly session: ChannelOptions | undefined;
  readonly retryFirstAttempt: boolean;
  readonly locks: Locks | undefined;
  /** Reports whether the page is visible, at once and whenever it changes, until the returned function is called. */
  readonly watchVisibility: (report: (isVisible: boolean) => void) => () => void;
  /** A port to the worker; `failed` is called if the worker cannot start. Undefined where there is no shared worker. */
  readonly openWorker: (failed: () => void) => PortLike | undefined;
  /** A port to a hub in this tab, for this client alone. */
  readonly openLocal: () => PortLike;
}

/**
 * Clients with the same key share a connection: the same name or address, and the same options of the connection. Undefined: the
 * connection is not shared. The answer of an address function is not known, and a guess could give one user's connection to another.
 */
export function shareKey(
  name: string | undefined,
  address: string | undefined,
  settings: Settings,
  session: ChannelOptions | undefined,
): string | undefined {
  if (name === undefined && address === undefined) return undefined;
  const subject = name === undefined ? { address } : { name };
  return JSON.stringify([subject, sharedSettings(settings), session]);
}

/** @param hasOpened false before the client has opened: until then an attempt that fails may close it. */
export function joinPost(parts: TabConnectionParts, tab: string, hasOpened: boolean): Join {
  const { key, address, settings, session, retryFirstAttempt } = parts;
  return {
    is: 'join',
    tab,
    key,
    address,
    settings: sharedSettings(settings),
    session,
    retryFirstAttempt: retryFirstAttempt || hasOpened,
    windowBytes: session?.windowBytes ?? PLAIN_WINDOW_BYTES,
  };
}

/** The settings of the connection. The others are the tab's: its inbox and its outbox. */
function sharedSettings(settings: Settings): SharedSettings {
  const { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, givenMaxDelayMs, maxMessageBytes, liveness } = settings;
  return { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, givenMaxDelayMs, maxMessageBytes, liveness };
}
