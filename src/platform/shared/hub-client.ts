import { Client } from '../../core/client.js';
import { clientParts, type LinkOptions } from '../../core/client-parts.js';
import type { ClientOptions } from '../../core/options.js';
import { WIRE_MARK_BYTES } from '../../core/plain-link.js';
import type { LifecycleListener, Platform } from '../../core/platform.js';
import type { SessionFeature } from '../../core/types.js';
import type { Join } from './member.js';

/** What a hub makes its clients of. */
export interface HubClientHost {
  /** Of the physical connections. */
  readonly platform: Platform;
  makeSession(options: LinkOptions): SessionFeature;
}

/** What a client of one tab finds in its page, and this one in the tabs that share it. */
export interface HubClientTabs {
  /** Asked before every attempt. */
  address(): string | Promise<string>;
  // No event of a client tells of these.
  measured(rttMs: number): void;
  /** With a session: so many messages, the oldest. */
  acknowledged(messages: number): void;
}

export interface HubClient {
  readonly client: Client;
  /** A tab was shown, or a new one came: a good moment to try, and to doubt the link. */
  wake(): void;
}

/** An ordinary client, of what the first tab asked for. */
export function makeHubClient(join: Join, host: HubClientHost, tabs: HubClientTabs): HubClient {
  const { platform } = host;
  let life: LifecycleListener | undefined;
  const watch: Platform['lifecycle']['watch'] = (listener) => {
    life = listener;
    return platform.lifecycle.watch(listener);
  };
  // The tab has checked address and type; whether a first failure is the end is each member's own affair.
  const parts = clientParts({ ...platform, lifecycle: { watch } }, () => tabs.address(), 'insecure', optionsOf(join, host), true);
  const client = new Client({
    ...parts,
    makeLink: (linkHost) =>
      parts.makeLink({
        ...linkHost,
        measured: (rttMs) => {
          linkHost.measured(rttMs);
          tabs.measured(rttMs);
        },
        acknowledged: (messages) => tabs.acknowledged(messages),
      }),
  });
  return { client, wake: () => life?.woken() };
}

function optionsOf({ settings, session }: Join, host: HubClientHost): ClientOptions {
  const { reconnect, liveness, ...rest } = settings;
  return {
    ...rest,
    reconnect: reconnect ?? false,
    liveness: liveness ?? false,
    // Each member's share has its bound in the member's own window; `drained` comes when the wire has room.
    outbox: { highWaterBytes: 2 * WIRE_MARK_BYTES, maxBytes: Number.POSITIVE_INFINITY },
    ...(session === undefined ? {} : { session: host.makeSession(session) }),
  };
}
