import type { ChannelSink, MakeChannel } from '../core/channel.js';
import { Client } from '../core/client.js';
import { type ChannelOptions, clientParts } from '../core/client-parts.js';
import type { RecordRelay } from '../core/extension.js';
import type { ClientOptions } from '../core/options.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import type { LifecycleListener, Platform } from '../core/platform.js';
import type { SessionFeature } from '../core/types.js';
import type { Join } from './posts.js';

/** The parts of a hub's clients. */
export interface HubClientEnvironment {
  /** Dials the physical connections. */
  readonly platform: Platform;
  makeSession(options: ChannelOptions): SessionFeature;
  /** Carries the records of topics. Undefined for a client without a session. */
  makeRelay(client: Client): RecordRelay | undefined;
}

/** The tabs that share a client, in place of the page of an ordinary one. */
export interface HubClientTabs {
  /** Called before every attempt. */
  address(): string | Promise<string>;
  /** Whether at least one tab is visible. */
  isVisible(): boolean;
  // A client has no events for these.
  measured(rttMs: number): void;
  /** With a session: the server has acknowledged so many messages, the oldest. */
  acknowledged(messages: number): void;
}

export interface HubClient {
  readonly client: Client;
  /** A tab became visible or joined: the client reconnects, or checks that the connection is alive. */
  wake(): void;
}

/** An ordinary client with the options of the first tab. */
export function makeHubClient(join: Join, environment: HubClientEnvironment, tabs: HubClientTabs): HubClient {
  const { platform } = environment;
  let life: LifecycleListener | undefined;
  const watch: Platform['lifecycle']['watch'] = (listener) => {
    life = listener;
    return platform.lifecycle.watch(listener);
  };
  // The tab has checked address and type. Each tab decides for itself whether a first attempt that fails is its last.
  const withTabs =
    (makeChannel: MakeChannel): MakeChannel =>
    ({ sink, control }) =>
      makeChannel({ sink: reportToTabs(sink, tabs), control });
  const parts = clientParts(
    { ...platform, lifecycle: { watch, isVisible: () => tabs.isVisible() } },
    () => tabs.address(),
    'insecure',
    optionsOf(join, environment),
    true,
    withTabs,
  );
  const client = new Client(parts);
  return { client, wake: () => life?.woken() };
}

function reportToTabs(sink: ChannelSink, tabs: HubClientTabs): ChannelSink {
  return {
    deliver: (message, bytes) => sink.deliver(message, bytes),
    sent: (bytes) => sink.sent(bytes),
    shed: () => sink.shed(),
    drained: () => sink.drained(),
    measured: (rttMs) => {
      sink.measured(rttMs);
      tabs.measured(rttMs);
    },
    acknowledged: (messages) => tabs.acknowledged(messages),
  };
}

function optionsOf({ settings, session }: Join, environment: HubClientEnvironment): ClientOptions {
  const { reconnect, givenMaxDelayMs, liveness, ...rest } = settings;
  return {
    ...rest,
    // Without a choice of the application, the longest delay depends on whether a tab is visible.
    reconnect: reconnect ? { ...reconnect, maxDelayMs: givenMaxDelayMs } : false,
    liveness: liveness ?? false,
    // The outbox of each tab has its own bound; `drained` fires when the transport has room.
    outbox: { highWaterBytes: 2 * TRANSPORT_MARK_BYTES, maxBytes: Number.POSITIVE_INFINITY },
    session: session && environment.makeSession(session),
  };
}
