import { Emitter, type Listeners } from '../core/emitter.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { Inbox, type InboxSource } from '../core/inbox.js';
import type { MessageIterator } from '../core/types.js';
import { asyncDispose, type Deferred, deferred } from '../core/util.js';
import type { FieldReader } from '../session/codec.js';
import { decodeText } from '../session/codec.js';
import type { ClientTopics, Feed, TopicRequest } from './client-topics.js';
import {
  CONTINUITY,
  decodeLost,
  encodeBody,
  FROM_NOW,
  FROM_OLDEST,
  FROM_POSITION,
  GRANTED,
  MAX_POSITION_BYTES,
  OUTCOME_NONE,
  OUTCOME_SAME_LOG,
  PAYLOAD_BINARY,
  PAYLOAD_TEXT,
  STOP,
  SUBSCRIBE,
  WINDOW,
  windowCost,
} from './records.js';
import type { Subscription, SubscriptionEvents, TopicMessage } from './types.js';

const noListeners: Listeners<SubscriptionEvents> = { continuity: [], revoked: [] };
/** The subscription's own bound is its window. */
const NO_BOUNDS = { maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
/** Of an application without listeners. */
const MAX_UNHEARD = 100;
const ENDED = { code: 1000, reason: '', wasClean: true };

const REASONS = [
  'The subscription was resumed.',
  'The history of the topic is too short.',
  'The position is not of this log: it was lost, or it is of another topic.',
];

/** One subscription: what the server grants, what waits to be read, and what is announced to the server as read. */
export class TopicSubscription implements Subscription, TopicRequest, InboxSource<TopicMessage> {
  readonly topic: string;
  readonly #topics: ClientTopics;
  readonly #windowBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #granted: Deferred<Subscription> = deferred();
  readonly #events: Emitter<SubscriptionEvents>;
  readonly #inbox: Inbox<TopicMessage>;
  readonly #receive: Feed = (fields) => this.#entry(fields);
  #request = 0;
  #feed: number | undefined;
  #from: string;
  #position: string | undefined;
  /** Position of the last message that arrived, read or not. */
  #arrived: string | undefined;
  /** Messages after `#arrived` that were reported as lost. A grant of a new session counts them again. */
  #lost = 0;
  /** Since the grant: messages, and the cost of those that count towards the window. */
  #messages = 0;
  #cost = 0;
  #unreadCost = 0;
  #limit = 0;
  /** Messages that had arrived when the session was resumed. */
  #messagesBefore = 0;
  #isOver = false;
  /** Events without a listener, for the first one: they may arrive with the grant. */
  readonly #unheard: [event: keyof SubscriptionEvents, value: never][] = [];

  constructor(topics: ClientTopics, topic: string, from: string, windowBytes: number, signal?: AbortSignal) {
    this.topic = topic;
    this.#signal = signal;
    this.#topics = topics;
    this.#from = from;
    this.#windowBytes = windowBytes;
    this.#events = new Emitter(noListeners, (cause, event) => topics.client.handlerFailed(cause, event));
    this.#inbox = new Inbox<TopicMessage>(NO_BOUNDS, this, () => {});
  }

  /** Resolves when the server grants it. */
  begin(): Promise<Subscription> {
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
    this.#request = this.#topics.add(this);
    return this.#granted.promise;
  }

  get position(): string | undefined {
    return this.#position;
  }

  getMessage(): TopicMessage | undefined {
    return this.#inbox.take()?.message;
  }

  on<E extends keyof SubscriptionEvents>(event: E, listener: SubscriptionEvents[E]): () => void {
    queueMicrotask(() => {
      for (const [name, value] of this.#unheard.splice(0)) this.#emit(name, value);
    });
    return this.#events.on(event, listener);
  }

  listen(listener: (received: TopicMessage) => void): void {
    this.#inbox.setHandler((received) => {
      try {
        listener(received);
      } catch (error) {
        this.#topics.client.handlerFailed(error, 'subscribe');
      }
    });
  }

  unsubscribe(): Promise<void> {
    this.#abort();
    return Promise.resolve();
  }

  /** If it is not granted yet, its promise is rejected. */
  readonly #abort = (): void => {
    if (this.#topics.remove(this.#request)) this.#topics.send(encodeBody([STOP, this.#request]));
    this.#inbox.clear();
    this.#over(makeError('ABORTED', { topic: this.topic }, this.#signal?.reason));
  };

  [Symbol.asyncIterator](): MessageIterator<TopicMessage> {
    return this.#inbox.iterate();
  }

  [asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }

  pause(): void {}

  resume(): void {}

  consumed(bytes: number, { position }: TopicMessage): void {
    this.#position = position ?? this.#position;
    this.#unreadCost -= windowCost(bytes);
    const limit = this.#cost + this.#windowBytes - this.#unreadCost;
    if (this.#isOver || limit - this.#limit < this.#windowBytes / 4) return;
    this.#limit = limit;
    this.#topics.send(encodeBody([WINDOW, this.#request, limit]));
  }

  ask(request: number): Uint8Array<ArrayBuffer> {
    this.#cost = this.#messages = this.#messagesBefore = 0;
    this.#limit = Math.max(0, this.#windowBytes - this.#unreadCost);
    // Before the first entry of a log the position is empty.
    const from = this.#arrived ?? (this.#feed === undefined ? this.#from : '');
    const fields = from === 'now' ? [FROM_NOW] : from === 'oldest' ? [FROM_OLDEST] : [FROM_POSITION, from];
    return encodeBody([SUBSCRIBE, request, this.#limit, this.topic, ...fields]);
  }

  answer(subtype: number, fields: FieldReader): boolean {
    if (subtype === GRANTED) return this.#grant(fields);
    if (subtype !== CONTINUITY) return false;
    const outcome = fields.varint();
    const total = fields.varint();
    const lost = decodeLost(fields.varint());
    if (fields.isSound) this.#report(outcome, Math.max(0, total - this.#messagesBefore), lost);
    this.#lost += lost ?? 0;
    this.#messagesBefore = Math.max(total, this.#messages);
    return fields.isSound;
  }

  failed(error: WebsocketError): void {
    // Revoked, or not granted again in a new session.
    if (this.#feed !== undefined && error.code !== 'NOT_OPEN') {
      this.#inbox.clear();
      this.#emit('revoked', error);
    }
    this.#over(error);
  }

  resumed(): void {
    this.#messagesBefore = this.#messages;
  }

  #grant(fields: FieldReader): boolean {
    const feed = fields.varint();
    const position = fields.string(MAX_POSITION_BYTES);
    const outcome = fields.varint();
    const replayed = fields.varint();
    const lost = decodeLost(fields.varint());
    if (!fields.isSound) return false;
    const isFirst = this.#feed === undefined;
    this.#feed = feed;
    this.#topics.feed(feed, this.#receive);
    this.#position ??= position || undefined;
    this.#arrived = position || undefined;
    if (outcome !== OUTCOME_NONE || !isFirst) this.#report(outcome, replayed, lost && Math.max(0, lost - this.#lost));
    this.#lost = 0;
    this.#granted.resolve(this);
    return true;
  }

  #report(outcome: number, replayed: number, lost: number | undefined): void {
    const resumed = outcome === OUTCOME_SAME_LOG;
    const reason = REASONS[resumed ? (lost === 0 ? 0 : 1) : 2] as string;
    this.#emit('continuity', { resumed, replayed, lost: resumed ? lost : undefined, reason });
  }

  #emit<E extends keyof SubscriptionEvents>(event: E, value: Parameters<SubscriptionEvents[E]>[0]): void {
    if (this.#events.has(event)) this.#events.emit(event, ...([value] as Parameters<SubscriptionEvents[E]>));
    else if (this.#unheard.length < MAX_UNHEARD) this.#unheard.push([event, value as never]);
  }

  #entry(fields: FieldReader): boolean {
    const position = fields.string(MAX_POSITION_BYTES) || undefined;
    const isText = fields.varint(PAYLOAD_BINARY, PAYLOAD_TEXT) === PAYLOAD_TEXT;
    const bytes = fields.rest();
    const message = isText ? decodeText(bytes) : bytes.slice();
    if (message === undefined || !fields.isSound) return false;
    const cost = windowCost(bytes.length);
    if (position !== undefined) {
      this.#messages += 1;
      this.#cost += cost;
      this.#arrived = position;
      this.#lost = 0;
    } else if (this.#unreadCost >= this.#windowBytes) return true;
    this.#unreadCost += cost;
    this.#inbox.push({ message, position }, bytes.length);
    return true;
  }

  #over(error: WebsocketError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.#feed !== undefined) this.#topics.unfeed(this.#feed, this.#receive);
    this.#granted.reject(error);
    this.#inbox.end(ENDED, () => {});
  }
}
