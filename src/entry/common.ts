/** What every entry of "gemsocket" has, whatever the platform. */
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
