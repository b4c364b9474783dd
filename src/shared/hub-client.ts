import type { ChannelSink, MakeChannel } from '../core/channel.js';
import { Client } from '../core/client.js';
import { type ChannelOptions, clientParts } from '../core/client-parts.js';
import type { ClientOptions } from '../core/options.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import type { LifecycleListener, Platform } from '../core/platform.js';
import type { SessionFeature } from '../core/types.js';
import type { Join } from './tab-port.js';

/** What a hub makes its clients of. */
export interface HubClientEnvironment {
  /** Of the physical connections. */
  readonly platform: Platform;
  makeSession(options: ChannelOptions): SessionFeature;
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
export function makeHubClient(join: Join, environment: HubClientEnvironment, tabs: HubClientTabs): HubClient {
  const { platform } = environment;
  let life: LifecycleListener | undefined;
  const watch: Platform['lifecycle']['watch'] = (listener) => {
    life = listener;
    return platform.lifecycle.watch(listener);
  };
  // The tab has checked address and type; whether a first failure is the end is each member's own affair.
  const withTabs =
    (makeChannel: MakeChannel): MakeChannel =>
    ({ sink, control }) =>
      makeChannel({ sink: heardByTabs(sink, tabs), control });
  const parts = clientParts(
    { ...platform, lifecycle: { watch } },
    () => tabs.address(),
    'insecure',
    optionsOf(join, environment),
    true,
    withTabs,
  );
  const client = new Client(parts);
  return { client, wake: () => life?.woken() };
}

function heardByTabs(sink: ChannelSink, tabs: HubClientTabs): ChannelSink {
  return {
    ...sink,
    measured: (rttMs) => {
      sink.measured(rttMs);
      tabs.measured(rttMs);
    },
    acknowledged: (messages) => tabs.acknowledged(messages),
  };
}

function optionsOf({ settings, session }: Join, environment: HubClientEnvironment): ClientOptions {
  const { reconnect, liveness, ...rest } = settings;
  return {
    ...rest,
    reconnect: reconnect ?? false,
    liveness: liveness ?? false,
    // Each member's share has its bound in the member's own window; `drained` comes when the transport has room.
    outbox: { highWaterBytes: 2 * TRANSPORT_MARK_BYTES, maxBytes: Number.POSITIVE_INFINITY },
    ...(session === undefined ? {} : { session: environment.makeSession(session) }),
  };
}
