import { resolveAddress } from './address.js';
import type { MakeChannel } from './channel.js';
import type { ClientConnection, ConnectionOwner } from './client-connection.js';
import { Connection } from './connection.js';
import type { Target } from './dialer.js';
import { makeError } from './errors.js';
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

/** The object that session() returns. core only knows that it can make a channel. */
export interface ChannelFeature extends SessionFeature {
  /** The options of session(), as plain data, so that a shared worker can make the same session. */
  readonly options: ChannelOptions;
  makeChannel(settings: Settings, platform: Platform): MakeChannel;
  /** Wraps `dial`, to report what a refused handshake means for this channel. */
  wrap?(dial: Dial): Dial;
}

/** The object that webSocketStream() returns: another `dial` for the same platform. */
export interface DialFeature extends TransportFeature {
  readonly dial: Dial;
}

/** The parts of a client. */
export interface ClientParts {
  readonly platform: Platform;
  readonly settings: Settings;
  /** Whether the first failure is written to the platform's log if it has no listener: nothing else may report it. */
  readonly reportsFirstFailure?: boolean;
  readonly onMessage: OnMessage | undefined;
  readonly signal: AbortSignal | undefined;
  makeConnection(owner: ConnectionOwner): ClientConnection;
  /** Called once the connection is closed and every buffered message has been read. `isOwn`: the owner had called `close()`. */
  readonly onFinished?: (client: IWebsocketClient, isOwn: boolean) => void;
}

/** The parts of a client that dials. */
export interface DialingParts extends ClientParts {
  readonly target: Target;
  readonly retryFirstAttempt: boolean;
}

/**
 * Checks everything that can be checked before dialling, so that a mistake throws at the call.
 *
 * @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`.
 */
export function clientParts(
  platform: Platform,
  address: Address,
  type: WebsocketType,
  options: ConnectOptions = {},
  isOnBus = false,
  wrap: (makeChannel: MakeChannel) => MakeChannel = (makeChannel) => makeChannel,
): DialingParts {
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
  const dialing = dial === platform.dial ? platform : { ...platform, dial };
  const target = targetOf(address, type);
  const plain: MakeChannel = (context) => new PlainChannel(context, settings.outbox);
  const makeChannel = wrap(feature?.makeChannel(settings, platform) ?? plain);
  const isRetried = retryFirstAttempt ?? isOnBus;
  return {
    platform: dialing,
    settings,
    target,
    retryFirstAttempt: isRetried,
    reportsFirstFailure: isOnBus || retryFirstAttempt === true,
    onMessage,
    signal,
    makeConnection: (owner) => new Connection(dialing, settings, isRetried, target, makeChannel, owner),
  };
}

function targetOf(address: Address, type: WebsocketType): Target {
  if (typeof address === 'function') return async () => resolveAddress(await address(), type);
  const url = resolveAddress(address, type);
  return () => url;
}
