import { randomBytes } from 'node:crypto';
import {
  BackplaneError,
  type Entry,
  type NodeBackplane,
  type NodeMembers,
  type NodeTag,
  type Position,
  type Sink,
} from '../backplane/backplane.js';
import { memoryBackplane } from '../backplane/memory.js';
import { runtimeClock } from '../backplane/memory-time.js';
import type { Clock } from '../core/clock.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { RecordPort } from '../core/extension.js';
import { copyOf } from '../core/message-bytes.js';
import { checkObject, invalid } from '../core/option-checks.js';
import { checkTopic, encodePayload } from '../topics/records.js';
import type { Member } from '../topics/types.js';
import { Authorization } from './authorization.js';
import type { Broadcast } from './broadcast.js';
import type { ServerSettings } from './options.js';
import { type PresenceMetrics, Presences } from './presences.js';
import { Topic, type TopicContext } from './topic.js';
import { keepOf, type ServerPublishOptions, type ServerTopicSettings, type TopicSettings, topicSettings } from './topic-options.js';
import { refusalOf, type TopicServer, TopicSession } from './topic-session.js';
import type { ServerClient } from './types.js';

/** The metrics of topics: gauges, then counters. */
export interface TopicMetrics extends PresenceMetrics {
  readonly topics: number;
  readonly subscriptions: number;
  readonly messagesPublished: number;
  /** Gaps in what was pushed to this node, which it filled from the log. */
  readonly topicGaps: number;
  readonly topicRequestsRefused: number;
}

/** The clock and the bounds of topics, so that tests can own them. By default a page of the largest messages takes 2 MiB. */
type TopicTuning = Pick<TopicContext, 'clock' | 'ringEntries' | 'pageEntries'>;

/** The topics of this node, which its clients subscribe to and publish to. */
export class Topics implements Sink, TopicServer {
  readonly settings: ServerTopicSettings;
  readonly authorization: Authorization;
  readonly presences: Presences;
  readonly keyOf: (client: ServerClient) => string | undefined;
  readonly clock: Clock;
  readonly #backplane: NodeBackplane;
  readonly #report: (error: WebsocketError) => void;
  /** Resolves once the backplane is open. */
  readonly #opened: Promise<void>;
  readonly #context: TopicContext;
  readonly #topics = new Map<string, Topic>();
  readonly #sessions = new Set<TopicSession>();
  readonly #node = randomBytes(4).toString('hex');
  #feeds = 0;
  #lastId = 0;
  #published = 0;
  #gaps = 0;
  #refusals = 0;
  #isUp = true;

  /** @param keyOf the key of a client's user; undefined if it has failed. */
  constructor(
    settings: Pick<ServerSettings, 'authorize' | 'authorizeTimeoutMs' | 'backplane' | 'topics'>,
    broadcast: Broadcast,
    report: (error: WebsocketError) => void,
    keyOf: (client: ServerClient) => string | undefined,
    { clock = runtimeClock, ringEntries = 256, pageEntries = 32 }: Partial<TopicTuning> = {},
  ) {
    const { authorize, authorizeTimeoutMs, backplane = memoryBackplane(), topics } = settings;
    this.settings = topics;
    this.clock = clock;
    this.authorization = new Authorization(authorize, authorizeTimeoutMs, report, clock);
    this.keyOf = keyOf;
    this.#backplane = backplane;
    this.#report = report;
    this.presences = new Presences(this.#node, backplane, broadcast, () => this.nextFeed());
    this.#opened = backplane.open(this.#node, this);
    this.#opened.catch(() => {}); // each caller awaits it
    this.#context = { backplane, opened: this.#opened, broadcast, clock, ringEntries, pageEntries, gapFound: () => this.#gapFound() };
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get metrics(): TopicMetrics {
    let subscriptions = 0;
    for (const { readers } of this.#topics.values()) subscriptions += readers.size;
    return {
      topics: this.#topics.size,
      subscriptions,
      messagesPublished: this.#published,
      topicGaps: this.#gaps,
      topicRequestsRefused: this.#refusals,
      ...this.presences.metrics,
    };
  }

  /** The topics of one client, from its first record of a topic on. */
  sessionOf(client: ServerClient, port: RecordPort): TopicSession {
    const session = new TopicSession(client, this, port);
    this.#sessions.add(session);
    return session;
  }

  ended(session: TopicSession): void {
    this.#sessions.delete(session);
  }

  refused(): void {
    this.#refusals += 1;
  }

  /** Ends what the user's clients may do with the topic until they ask again. */
  async revoke(topic: string, userKey: string): Promise<void> {
    checkTopic(topic);
    if (typeof userKey !== 'string') throw invalid('key', userKey);
    for (const session of this.#sessions) if (this.keyOf(session.client) === userKey) session.revoke(topic);
  }

  /** Publishes for the server itself. */
  async publish(
    name: string,
    message: string | ArrayBuffer | ArrayBufferView,
    options: ServerPublishOptions,
  ): Promise<Position | undefined> {
    checkTopic(name);
    const { volatile, signal } = checkObject('options', options) as ServerPublishOptions;
    const payload = encodePayload(publishable(message));
    const { maxMessageBytes: limit } = this.optionsOf(name);
    if (payload.length - 1 > limit) throw makeError('MESSAGE_TOO_BIG', { size: payload.length - 1, limit, topic: name });
    if (signal?.aborted) throw makeError('ABORTED', {}, signal.reason);
    const id = volatile === true ? '' : `${this.#node}-${this.#nextId().toString(36)}`;
    try {
      return await this.publishPayload(name, payload, id, signal);
    } catch (cause) {
      throw asWebsocketError(cause);
    }
  }

  /** The members of a topic on all nodes. */
  async members(name: string): Promise<ReadonlyMap<string, Member>> {
    checkTopic(name);
    try {
      await this.#opened;
      return await this.presences.members(name);
    } catch (cause) {
      throw asWebsocketError(cause);
    }
  }

  /** @param id identifies the message, so that it is published once; '': the message is not logged. */
  async publishPayload(name: string, payload: Uint8Array<ArrayBuffer>, id: string, signal?: AbortSignal): Promise<Position | undefined> {
    await this.#opened;
    this.#published += 1;
    return this.#backplane.publish(name, id, payload, id === '' ? 'none' : keepOf(this.optionsOf(name)), signal);
  }

  /** The settings of a topic. A function `of` that fails is reported, and the settings of all topics apply. */
  optionsOf(name: string): TopicSettings {
    try {
      return topicSettings(this.settings, name);
    } catch (cause) {
      this.#report(makeError('HANDLER_FAILED', { handler: 'topics.of' }, cause));
      return this.settings;
    }
  }

  /** A topic with subscribers, which is watched until it is released as often as it was held. */
  hold(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new Topic(name, this.nextFeed(), this.#context);
      this.#topics.set(name, topic);
    }
    topic.uses += 1;
    return topic;
  }

  release(topic: Topic): void {
    topic.uses -= 1;
    if (topic.uses > 0) return;
    this.#topics.delete(topic.name);
    topic.end();
  }

  #gapFound(): void {
    this.#gaps += 1;
  }

  nextFeed(): number {
    this.#feeds += 1;
    return this.#feeds;
  }

  entry(topic: string, entry: Entry): void {
    this.#topics.get(topic)?.pushed(entry);
  }

  transient(topic: string, payload: Uint8Array<ArrayBuffer>): void {
    this.#topics.get(topic)?.transient(payload);
  }

  presence(topic: string, changes: NodeMembers): void {
    this.presences.pushed(topic, changes);
  }

  signal(): void {}

  nodes(alive: readonly NodeTag[]): void {
    this.presences.keepNodes(alive);
  }

  health(isUp: boolean): void {
    if (isUp && !this.#isUp) this.presences.resync();
    this.#isUp = isUp;
  }

  async close(): Promise<void> {
    this.presences.close();
    await this.#backplane.close();
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }
}

function publishable(message: string | ArrayBuffer | ArrayBufferView): string | Uint8Array<ArrayBuffer> {
  if (typeof message === 'string') return message;
  try {
    return copyOf(message);
  } catch {
    throw makeError('INVALID_MESSAGE', { method: 'publish' });
  }
}

function asWebsocketError(cause: unknown): unknown {
  return cause instanceof BackplaneError ? makeError(refusalOf(cause), { mayHaveArrived: cause.fault === 'timeout' }, cause) : cause;
}
