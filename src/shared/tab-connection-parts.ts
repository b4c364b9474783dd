import type { ChannelOptions } from '../core/client-parts.js';
import type { Target } from '../core/dialer.js';
import type { Settings } from '../core/options.js';
import type { Platform } from '../core/platform.js';
import type { Locks } from './locks.js';
import type { PortLike, ToHub } from './posts.js';
import { sharedSettings } from './share-key.js';

/** What a tab may have on its way to it: as much as an inbox holds, so that a page that hangs for a while loses nothing. */
const PLAIN_WINDOW_BYTES = 32 * 1024 * 1024;

/** A logical client, as its tab knows it. */
export interface TabConnectionParts {
  readonly platform: Platform;
  readonly settings: Settings;
  /** Who has the same key shares the connection. */
  readonly key: string | undefined;
  /** Undefined where `target` is to be asked for it. */
  readonly address: string | undefined;
  readonly target: Target;
  readonly session: ChannelOptions | undefined;
  readonly retryFirstAttempt: boolean;
  readonly locks: Locks | undefined;
  /** A port to the worker, and a call if it can't start. Undefined where there is none, or when it can't even be tried. */
  readonly openWorker: (failed: () => void) => PortLike | undefined;
  /** A port to a hub in this tab: one socket for it alone. */
  readonly openLocal: () => PortLike;
}

/** @param hasOpened that it comes back: then no first attempt is left to fail. */
export function joinPost(parts: TabConnectionParts, tab: string, hasOpened: boolean): ToHub {
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
