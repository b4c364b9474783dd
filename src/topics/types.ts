import type { WebsocketError } from '../core/errors.js';
import type { Continuity, Message } from '../core/types.js';

/** A message of a topic. */
export interface TopicMessage {
  readonly message: Message;
  /** Opaque; pass it as `from` to resume after this message. Undefined for a volatile message, which is not in the log. */
  readonly position: string | undefined;
}

/** The events of a subscription, and the functions that `on` takes for them. */
export interface SubscriptionEvents {
  /**
   * After a reconnect, and after a subscription that began at a position: how many messages of the topic were replayed, and how many were
   * lost because the history is too short. Also when a reader was so slow that messages were lost; then `replayed` is 0. `lost` is
   * undefined if it cannot be counted: the position is not of this log.
   */
  continuity: (continuity: Continuity) => void;
  /** The grant was revoked or has expired (`FORBIDDEN`). No more messages follow. */
  revoked: (error: WebsocketError) => void;
}

/**
 * A topic, as one subscriber reads it. Its readers are those of a client: a listener, getMessage(), for await. Without a listener, messages
 * wait here, bounded by the subscription's own window: a reader that stops pauses this topic and no other traffic.
 *
 * A loop ends when the subscription ends: by `unsubscribe()`, by a revoked grant, or with the connection.
 */
export interface Subscription extends AsyncIterable<TopicMessage>, AsyncDisposable {
  readonly topic: string;
  /** Position of the last message that was read; at first, where the subscription begins. */
  readonly position: string | undefined;
  /** Never waits. Returns undefined if there is no message. */
  getMessage(): TopicMessage | undefined;
  /**
   * Calls the listener for every event of that name: see `SubscriptionEvents`.
   *
   * @returns a function that removes the listener.
   * @throws {WebsocketError} `INVALID_OPTION` for an event that does not exist.
   */
  on<E extends keyof SubscriptionEvents>(event: E, listener: SubscriptionEvents[E]): () => void;
  /** Ends the subscription: no message follows the call. Resolves once it has ended here; safe to call twice. */
  unsubscribe(): Promise<void>;
}

/** The options of `subscribe()`. */
export interface SubscribeOptions {
  /** `'now'` (the default), `'oldest'` of the history, or the `position` after which the messages follow. */
  from?: 'now' | 'oldest' | (string & {}) | undefined;
  /** Ends the request, and later the subscription. */
  signal?: AbortSignal | undefined;
  /**
   * Bytes of messages that may be unread before the server stops sending this topic. Each message counts 32 more than its size, and one
   * message may exceed it. At least 1 KiB.
   *
   * @defaultValue 256 KiB: a quarter of a session's window, so that a few subscriptions that nobody reads leave it open.
   */
  windowBytes?: number | undefined;
}

/** The options of `publish()`. */
export interface PublishOptions {
  /**
   * The message is not logged: it is sent if it can be sent at once, and reaches the connected subscribers that keep up. False by default.
   */
  volatile?: boolean | undefined;
  /** Rejects the promise with `ABORTED`. The message may have been published. */
  signal?: AbortSignal | undefined;
}
