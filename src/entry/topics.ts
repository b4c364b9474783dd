export { publish, subscribe } from '../topics/topics.js';
export type { PublishOptions, SubscribeOptions, Subscription, SubscriptionEvents, TopicMessage } from '../topics/types.js';
