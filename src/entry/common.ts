/**
 * The part of every entry of "gemsocket" that does not depend on the platform. The classes do: each entry declares its own, bound to
 * its platform, so that bundlers can remove those that an application does not import.
 */
import { makeError } from '../core/errors.js';

export type { ErrorCode, ErrorContext } from '../core/errors.js';
export { WebsocketError } from '../core/errors.js';
export type {
  ClientOptions,
  ConnectOptions,
  InboxOptions,
  LivenessOptions,
  NodeOptions,
  OutboxOptions,
  ReconnectOptions,
} from '../core/options.js';
export type { ClientStreams } from '../core/streams.js';
export { streams } from '../core/streams.js';
export type {
  Address,
  ClientEvents,
  ClientStats,
  CloseInfo,
  ConnectionState,
  Continuity,
  Delivery,
  IWebsocketClient,
  Message,
  MessageIterator,
  OnMessage,
  Received,
  ReconnectAttempt,
  SessionFeature,
  TransportFeature,
  WebsocketType,
} from '../core/types.js';

/** Node only, where the entry has its own: a page or worker does not handle signals. @throws {WebsocketError} `UNSUPPORTED`. */
export function closeOnSignals(_signals?: readonly string[]): () => void {
  throw makeError('UNSUPPORTED', { method: 'closeOnSignals' });
}
