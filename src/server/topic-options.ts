import type { Keep } from '../backplane/backplane.js';
import { between, type Checked, checkFunction, checkNames, checkObject, group } from '../core/option-checks.js';
import { MAX_DATA_BYTES } from '../topics/records.js';

/** The options of a topic. */
export interface TopicOptions {
  /**
   * Messages that are kept for subscribers that were away, are slow, or begin at an earlier position. 0: none.
   *
   * @defaultValue 100: a screen of a chat several times over, and seconds of a busy feed.
   */
  historyMessages?: number | undefined;
  /**
   * Milliseconds that a message is kept.
   *
   * @defaultValue 300,000: longer than the resume window of a session, so that a client that resumes misses nothing.
   */
  historyMs?: number | undefined;
  /**
   * Bytes of messages that are kept.
   *
   * @defaultValue 1 MiB: a hundred messages of 10 KiB; it bounds the memory of a topic whose messages are large.
   */
  historyBytes?: number | undefined;
  /**
   * Largest message that may be published, in bytes.
   *
   * @defaultValue 64 KiB: `maxMessageBytes` of the server, whatever it is, which also bounds what a client can send.
   */
  maxMessageBytes?: number | undefined;
}

/** The options of all topics of a server. */
export interface ServerTopicOptions extends TopicOptions {
  /** Overrides the options for one topic. Called whenever they are needed, so it should be quick. */
  of?: ((topic: string) => TopicOptions | undefined) | undefined;
  /**
   * Subscriptions and presences of one client. One more is refused with `TOO_MANY_TOPICS`.
   *
   * @defaultValue 1,000: more than a person follows; each takes some 400 bytes of the server.
   */
  maxPerClient?: number | undefined;
  /**
   * Largest data of a member of a presence, in bytes of JSON: from 4 to 4,096.
   *
   * @defaultValue 4 KiB: a name, a picture's address and a cursor several times over. Every observer gets the data of every member.
   */
  maxPresenceBytes?: number | undefined;
}

/** The options of `server.publish()`. */
export interface ServerPublishOptions {
  /** The message is not logged: it reaches the connected subscribers that keep up. False by default. */
  volatile?: boolean | undefined;
  /** Rejects the promise with `ABORTED`. The message may have been published. */
  signal?: AbortSignal | undefined;
}

const MAX_AGE_MS = 2 ** 48;
const MAX_MESSAGE_BYTES = 2 ** 32;
const topicRules = (maxMessageBytes: number) => ({
  historyMessages: between(0, 2 ** 32, 100),
  historyMs: between(0, MAX_AGE_MS, 300_000),
  historyBytes: between(0, 2 ** 48, 1_048_576),
  maxMessageBytes: between(1, MAX_MESSAGE_BYTES, Math.min(Math.max(1, maxMessageBytes), MAX_MESSAGE_BYTES)),
});

export type TopicSettings = Checked<ReturnType<typeof topicRules>>;

/** The options of the topics of a server, checked and complete. */
export interface ServerTopicSettings extends TopicSettings {
  readonly of: ServerTopicOptions['of'];
  readonly maxPerClient: number;
  readonly maxPresenceBytes: number;
}

/** @throws {WebsocketError} `INVALID_OPTION` */
export function resolveTopics(options: unknown, maxMessageBytes: number): ServerTopicSettings {
  return group({
    ...topicRules(maxMessageBytes),
    of: (option, value) => checkFunction(option, value as ServerTopicOptions['of']),
    maxPerClient: 1_000,
    // The smallest data is null.
    maxPresenceBytes: between(4, MAX_DATA_BYTES, MAX_DATA_BYTES),
  })('topics', options, {});
}

/** The settings of one topic. An option of `of` that is invalid is an error of the application, which the caller reports. */
export function topicSettings(settings: ServerTopicSettings, topic: string): TopicSettings {
  const given = settings.of?.(topic);
  if (given === undefined) return settings;
  const rules = topicRules(settings.maxMessageBytes);
  checkNames(checkObject('topics.of', given), rules, 'topics.of.');
  const { historyMessages, historyMs, historyBytes, maxMessageBytes } = settings;
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return group(rules)('topics.of', { historyMessages, historyMs, historyBytes, maxMessageBytes, ...defined }, {});
}

/** How much of the log the backplane keeps. */
export function keepOf({ historyMessages, historyBytes, historyMs }: TopicSettings): Keep {
  return { maxMessages: historyMessages, maxBytes: historyBytes, maxAgeMs: historyMs };
}
