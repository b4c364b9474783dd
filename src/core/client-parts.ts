import { resolveAddress } from './address.js';
import type { MakeChannel } from './channel.js';
import type { ClientConnection } from './client-connection.js';
import type { ConnectionEvents, Target } from './connection.js';
import { makeError, type WebsocketError } from './errors.js';
import { invalid } from './option-checks.js';
import { type ConnectOptions, resolveOptions, type Settings } from './options.js';
import { PlainChannel } from './plain-channel.js';
import type { Platform } from './platform.js';
import type { Dial } from './transport.js';
import type { Address, IWebsocketClient, OnMessage, SessionFeature, TransportFeature, WebsocketType } from './types.js';

export interface ChannelOptions {
  readonly ackDelayMs: number;
  readonly batchDelayMs: number;
  readonly windowBytes: number;
  readonly replayBytes: number;
}

/** What session() really returns: core knows only that it can make a link. */
export interface ChannelFeature extends SessionFeature {
  /** What it was made with: plain data, of which another place can make the same. */
  readonly options: ChannelOptions;
  makeChannel(settings: Settings, platform: Platform): MakeChannel;
  /** The same way to dial, with errors that say what a refused handshake means to this link. */
  wrap?(dial: Dial): Dial;
}

/** What webSocketStream() really returns: another way to dial, from the same platform. */
export interface DialFeature extends TransportFeature {
  readonly dial: Dial;
}

/** What a client is made of; `clientParts` puts it together from an address and options. */
export interface ClientParts {
  readonly platform: Platform;
  readonly settings: Settings;
  readonly target: Target;
  readonly makeChannel: MakeChannel;
  readonly retryFirstAttempt: boolean;
  /** Whether the first failure goes to the platform's log where nobody listens: nothing else may tell it. */
  readonly reportsFirstFailure?: boolean;
  readonly onMessage: OnMessage | undefined;
  readonly signal: AbortSignal | undefined;
  /** Left out: a connection that is made here, of `target` and `makeLink`. */
  readonly makeConnection?: (events: ConnectionEvents) => ClientConnection;
  /** Called once the connection is closed and every buffered message has been read. `isOwn`: the owner had called `close()`. */
  readonly onFinished?: (client: IWebsocketClient, isOwn: boolean) => void;
  /** Called with an error of the connection for which there is no listener. */
  readonly onUnheard?: (error: WebsocketError) => void;
  /** Told how many messages were accepted and never left, when the connection is down. */
  readonly onUnsent?: (messages: number) => void;
}

/**
 * Checks all that can be checked before anything is dialled, so that a mistake is thrown at the call.
 *
 * @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`.
 */
export function clientParts(
  platform: Platform,
  address: Address,
  type: WebsocketType,
  options: ConnectOptions = {},
  isOnBus = false,
): ClientParts {
  const settings = resolveOptions(options, platform.otherOptions);
  const { onMessage, signal, session, transport, retryFirstAttempt } = options;
  if ((type !== 'secure' && type !== 'insecure') || (options.type ?? type) !== type) {
    throw invalid('type', options.type ?? type);
  }
  if (options.node !== undefined && !platform.acceptsNodeOptions) {
    throw makeError('UNSUPPORTED', { option: 'node', platform: platform.name });
  }
  const feature = session as ChannelFeature | undefined;
  const dialler = (transport as DialFeature | undefined) ?? platform;
  const dial = feature?.wrap?.(dialler.dial) ?? dialler.dial;
  return {
    platform: dial === platform.dial ? platform : { ...platform, dial },
    settings,
    target: targetOf(address, type),
    makeChannel: feature === undefined ? (events) => new PlainChannel(events, settings.outbox) : feature.makeChannel(settings, platform),
    retryFirstAttempt: retryFirstAttempt ?? isOnBus,
    reportsFirstFailure: isOnBus || retryFirstAttempt === true,
    onMessage,
    signal,
  };
}

function targetOf(address: Address, type: WebsocketType): Target {
  if (typeof address === 'function') return () => Promise.resolve(address()).then((answer) => resolveAddress(answer, type));
  const url = resolveAddress(address, type);
  return () => url;
}
