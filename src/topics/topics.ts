import { makeError } from '../core/errors.js';
import type { ExtensibleClient } from '../core/extension.js';
import { copyOf } from '../core/message-bytes.js';
import { between, checkHas, checkObject, invalid } from '../core/option-checks.js';
import type { IWebsocketClient } from '../core/types.js';
import { ClientTopics, unsupported } from './client-topics.js';
import { PublishRequest } from './publish-request.js';
import { checkTopic, encodePayload, MAX_POSITION_BYTES, MIN_WINDOW_BYTES } from './records.js';
import { encodeData, TopicPresence } from './topic-presence.js';
import { TopicSubscription } from './topic-subscription.js';
import type { Presence, PresenceOptions, PublishOptions, SubscribeOptions, Subscription, TopicMessage } from './types.js';

const WINDOW_BYTES = 256 * 1024;
const checkWindow = between(MIN_WINDOW_BYTES, Number.MAX_SAFE_INTEGER, WINDOW_BYTES);

type Listener = (received: TopicMessage) => void;

/**
 * Subscribes to a topic. Resolves when the server grants it; until the connection opens, it waits. After a reconnect the subscription
 * resumes at its position by itself, also in a new session and on another node.
 *
 * @throws {WebsocketError} (rejects) `FORBIDDEN`; `TOO_MANY_TOPICS`; `UNSUPPORTED` for a client without a session, and for a server without
 * topics; `NOT_OPEN`; `ABORTED`; `BACKPLANE_DOWN`, `BACKPLANE_TIMEOUT`; `INVALID_OPTION`.
 */
export function subscribe(client: IWebsocketClient, topic: string, listener: Listener, options?: SubscribeOptions): Promise<Subscription>;
export function subscribe(client: IWebsocketClient, topic: string, options?: SubscribeOptions): Promise<Subscription>;
export async function subscribe(
  client: IWebsocketClient,
  topic: string,
  listenerOrOptions?: Listener | SubscribeOptions,
  lastOptions?: SubscribeOptions,
): Promise<Subscription> {
  const listener = typeof listenerOrOptions === 'function' ? listenerOrOptions : undefined;
  const options = checkObject('options', listener === undefined ? listenerOrOptions : lastOptions) as SubscribeOptions;
  const { from = 'now', signal, windowBytes } = options;
  if (typeof from !== 'string' || from === '' || from.length > MAX_POSITION_BYTES) throw invalid('from', from);
  const topics = topicsOf(client, signal);
  const subscription = new TopicSubscription(topics, checkTopic(topic), from, checkWindow('windowBytes', windowBytes, {}), signal);
  if (listener !== undefined) subscription.listen(listener);
  return subscription.begin();
}

/**
 * Publishes a message to a topic. Resolves with its position once the server has stored it, or with undefined for a volatile message.
 * It is published exactly once, also if it is sent again after a disconnect.
 *
 * @throws {WebsocketError} (rejects) `FORBIDDEN`; `MESSAGE_TOO_BIG`; `BACKPLANE_DOWN`, `BACKPLANE_BUSY`, `BACKPLANE_FULL`,
 * `BACKPLANE_TIMEOUT` (`context.mayHaveArrived`); `OUTBOX_FULL`; `UNSUPPORTED`; `NOT_OPEN`; `ABORTED`; `INVALID_OPTION`, `INVALID_MESSAGE`.
 */
export async function publish(
  client: IWebsocketClient,
  topic: string,
  message: string | ArrayBuffer | ArrayBufferView,
  options: PublishOptions = {},
): Promise<string | undefined> {
  const { signal, volatile } = checkObject('options', options) as PublishOptions;
  const topics = topicsOf(client, signal);
  return new PublishRequest(
    topics,
    checkTopic(topic),
    encodePayload(typeof message === 'string' ? message : bytesOf(message)),
    volatile === true,
    signal,
  ).begin();
}

/**
 * Joins the presence of a topic and observes it; with `observe`, only observes. Resolves with the present members once the server grants
 * it; until the connection opens, it waits. In a new session it joins again with its newest data.
 *
 * @throws {WebsocketError} (rejects) `FORBIDDEN`; `TOO_MANY_TOPICS`; `MESSAGE_TOO_BIG`; `UNSUPPORTED` for a client without a session, and
 * for a server without topics; `NOT_OPEN`; `ABORTED`; `BACKPLANE_DOWN`, `BACKPLANE_TIMEOUT`; `INVALID_OPTION`.
 */
export async function presence(client: IWebsocketClient, topic: string, options: PresenceOptions = {}): Promise<Presence> {
  const { data, observe = false, signal } = checkObject('options', options) as PresenceOptions;
  if (typeof observe !== 'boolean') throw invalid('observe', observe);
  const topics = topicsOf(client, signal);
  return new TopicPresence(topics, checkTopic(topic), observe ? undefined : encodeData(topic, data), signal).begin();
}

function topicsOf(client: IWebsocketClient, signal: AbortSignal | undefined): ClientTopics {
  checkHas('client', client, 'sendMessage');
  if (signal !== undefined) checkHas('signal', signal, 'addEventListener');
  const extensible = client as ExtensibleClient;
  const topics = extensible.extension?.('topics', (port) => new ClientTopics(extensible, port));
  if (topics === undefined) throw unsupported();
  const { state } = client;
  if (state === 'idle' || state === 'closing' || state === 'closed') throw makeError('NOT_OPEN', { state });
  if (signal?.aborted) throw makeError('ABORTED', {}, signal.reason);
  return topics;
}

function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    return copyOf(message);
  } catch {
    throw makeError('INVALID_MESSAGE', { method: 'publish' });
  }
}
