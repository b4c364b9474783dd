import type { ChannelOptions } from '../core/client-parts.js';
import type { Settings } from '../core/options.js';
import type { SharedSettings } from './posts.js';

/** What of the settings is the connection's. The rest is the tab's: its inbox and its outbox. */
export function sharedSettings(settings: Settings): SharedSettings {
  const { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, maxMessageBytes, liveness } = settings;
  return { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, maxMessageBytes, liveness };
}

/**
 * Clients with the same key share a connection: the same name or address, and the same options of what is shared.
 * Undefined: shared with nobody. What an address function will answer nobody can know, and a guess could hand one user's
 * connection to another.
 */
export function shareKey(
  name: string | undefined,
  address: string | undefined,
  settings: Settings,
  session: ChannelOptions | undefined,
): string | undefined {
  if (name === undefined && address === undefined) return undefined;
  const who = name === undefined ? { address } : { name };
  return JSON.stringify([who, sharedSettings(settings), session]);
}
