export { presence, publish, subscribe } from '../topics/topics.js';
export type {
  Member,
  Presence,
  PresenceEvents,
  PresenceOptions,
  PublishOptions,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
  TopicMessage,
} from '../topics/types.js';
