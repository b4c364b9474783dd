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

/** What a client is made of. */
export interface ClientParts {
  readonly platform: Platform;
  readonly settings: Settings;
  /** Whether the first failure goes to the platform's log where nothing listens: nothing else may report it. */
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
  if (typeof address === 'function') return () => Promise.resolve(address()).then((answer) => resolveAddress(answer, type));
  const url = resolveAddress(address, type);
  return () => url;
}
