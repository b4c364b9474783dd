export type { Backplane } from '../backplane/backplane.js';
export { WebsocketError } from '../core/errors.js';
export type { CloseInfo, Message, Received } from '../core/types.js';
export { attach } from '../server/attach.js';
export type { Authorize, Grant, TopicAction } from '../server/authorization.js';
export { listen } from '../server/listen.js';
export type { RateLimit, ServerOptions, TlsOptions } from '../server/options.js';
export type { ServerSessionOptions } from '../server/session-options.js';
export type { ServerPublishOptions, ServerTopicOptions, TopicOptions } from '../server/topic-options.js';
export type {
  BroadcastOptions,
  Refused,
  Room,
  RoomEvents,
  RoomSendOptions,
  ServerClient,
  ServerClientEvents,
  ServerCloseOptions,
  ServerEvents,
  ServerHealth,
  ServerRequest,
  WebsocketServer,
} from '../server/types.js';
export type { Member } from '../topics/types.js';
