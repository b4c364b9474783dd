import type { WebsocketError } from '../core/errors.js';
import type { Continuity, Message } from '../core/types.js';

/** A message of a topic. */
export interface TopicMessage {
  /** A string or bytes, as it was published. */
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
  /** The name of the topic. */
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

/** A member of a topic's presence. A user with three tabs is one member. */
export interface Member {
  /** What the server's option `userKey` returns for the user; the id of the server's client without that option. */
  readonly key: string;
  /** The newest data of the member: JSON. Null if it has set none. */
  readonly data: unknown;
  /** Connections of the member, those included that are disconnected and may still be resumed. */
  readonly connections: number;
  /** `'away'`: all connections of the member are disconnected, and their sessions may still be resumed. */
  readonly state: 'here' | 'away';
}

/** The events of a presence, and the functions that `on` takes for them. After a reconnect, they are the difference to the members of before. */
export interface PresenceEvents {
  /** A member that was not there before. */
  join: (member: Member) => void;
  /** The last connection of the member has left; the member as it was. */
  leave: (member: Member) => void;
  /** The member has other data, another state or another number of connections. */
  change: (member: Member) => void;
  /**
   * The server ended the presence: the grant was revoked or has expired (`FORBIDDEN`), or the server did not grant it again after a
   * reconnect. No event follows.
   */
  revoked: (error: WebsocketError) => void;
}

/** The members of a topic, as one of them or an observer sees them. */
export interface Presence extends AsyncDisposable {
  /** The name of the topic. */
  readonly topic: string;
  /** The present members by key, this client's own among them unless it observes. Always the same object; it stays as it is at the end. */
  readonly members: ReadonlyMap<string, Member>;
  /**
   * Replaces the data that others see for this member. Resolves once it is accepted here: it is sent with the next batch, and of many
   * updates only the newest if they cannot be sent at once.
   *
   * @param data JSON of at most 4 KiB.
   * @throws {WebsocketError} (rejects) `MESSAGE_TOO_BIG`; `INVALID_OPTION`, also for an observer; the error with which the presence ended.
   */
  update(data: unknown): Promise<void>;
  /**
   * Calls the listener for every event of that name: see `PresenceEvents`.
   *
   * @returns a function that removes the listener.
   * @throws {WebsocketError} `INVALID_OPTION` for an event that does not exist.
   */
  on<E extends keyof PresenceEvents>(event: E, listener: PresenceEvents[E]): () => void;
  /** Leaves: no event follows the call. Resolves once it has ended here; safe to call twice. */
  leave(): Promise<void>;
}

/** The options of `presence()`. */
export interface PresenceOptions {
  /** What the others see for this member: JSON of at most 4 KiB. Null by default. */
  data?: unknown;
  /** Observes the members without being one. False by default. */
  observe?: boolean | undefined;
  /** Ends the request, and later the presence. */
  signal?: AbortSignal | undefined;
}
