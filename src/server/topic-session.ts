import { isUtf8 } from 'node:buffer';
import { BackplaneError, type Position } from '../backplane/backplane.js';
import type { Extension, RecordPort } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import { FieldReader } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import {
  encodeBody,
  FROM_NOW,
  FROM_OLDEST,
  FROM_POSITION,
  isTopicName,
  MAX_ID_BYTES,
  MAX_POSITION_BYTES,
  MAX_TOPIC_BYTES,
  PAYLOAD_BINARY,
  PAYLOAD_TEXT,
  PUBLISH,
  PUBLISHED,
  REFUSALS,
  REFUSED,
  REVOKED,
  type RefusalCode,
  STOP,
  SUBSCRIBE,
  WINDOW,
} from '../topics/records.js';
import type { Authorization, Grant } from './authorization.js';
import { expiry } from './grant-expiry.js';
import { PublishOrder } from './publish-order.js';
import type { EncodedEntry, Topic } from './topic.js';
import { type CursorSession, type Start, TopicCursor } from './topic-cursor.js';
import type { ServerTopicSettings, TopicSettings } from './topic-options.js';
import type { ServerClient } from './types.js';

/** A request of the client that lasts until one side ends it. */
interface LastingRequest {
  readonly topic: string;
  cursor?: TopicCursor;
  /** Ends it, and whatever waits for it. */
  readonly ends: (() => void)[];
}

/** The server of a client's topics. */
export interface TopicServer {
  readonly settings: ServerTopicSettings;
  readonly authorization: Authorization;
  optionsOf(topic: string): TopicSettings;
  publishPayload(topic: string, payload: Uint8Array<ArrayBuffer>, id: string): Promise<Position | undefined>;
  /** A topic with subscribers, until it is released as often as it was held. */
  hold(topic: string): Topic;
  release(topic: Topic): void;
  /** A number that no other subscription of this node has. */
  nextFeed(): number;
  refused(): void;
  ended(session: TopicSession): void;
}

/** How soon the log is read again after a failure. */
const READ_AGAIN_MS = 1_000;

/** The server's half of topics, for one client: its subscriptions, and what it publishes. */
export class TopicSession implements Extension, CursorSession {
  /** Answers are sent before the connection is closed only if there is room. */
  readonly isIdle = true;
  readonly client: ServerClient;
  readonly #topics: TopicServer;
  readonly #port: RecordPort;
  readonly #requests = new Map<number, LastingRequest>();
  readonly #answers = new Queue<Uint8Array<ArrayBuffer>>();
  /** Cursors that wait for room in the session, in turn. */
  readonly #waiting = new Set<TopicCursor>();
  readonly #order = new PublishOrder();
  #isPumping = false;

  constructor(client: ServerClient, topics: TopicServer, port: RecordPort) {
    this.client = client;
    this.#topics = topics;
    this.#port = port;
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  get maxBytes(): number {
    return this.#port.maxBodyBytes;
  }

  receive(kind: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (kind !== Kind.topic && kind !== Kind.transient) return undefined;
    const fields = new FieldReader(bytes, start, end);
    const subtype = fields.varint();
    const request = fields.varint();
    if (subtype === SUBSCRIBE) this.#subscribe(request, fields);
    else if (subtype === STOP) this.#end(request);
    else if (subtype === WINDOW) this.#allow(request, fields.varint());
    else if (subtype === PUBLISH) return this.#publish(request, fields, end - start);
    return fields.isSound ? undefined : 'an invalid record of a topic';
  }

  opened(isResumed: boolean): void {
    if (!isResumed) return;
    for (const { cursor } of this.#requests.values()) cursor?.resumed();
  }

  detached(): void {}

  ended(): void {
    for (const request of [...this.#requests.keys()]) this.#end(request);
    this.#topics.ended(this);
  }

  /** Answers first, then the cursors, one entry each. */
  pump(): boolean {
    const answer = this.#answers.peek();
    if (answer !== undefined) {
      if (!this.#port.write(Kind.topic, answer)) return false;
      this.#answers.shift();
      return true;
    }
    this.#isPumping = true;
    const hasWritten = this.#pumpCursors();
    this.#isPumping = false;
    return hasWritten;
  }

  answer(body: Uint8Array<ArrayBuffer>): void {
    this.#answers.push(body);
    if (!this.#isPumping) this.#port.due();
  }

  write(cursor: TopicCursor, { kind, body, shared }: EncodedEntry): boolean {
    if (this.#port.write(kind, body, shared)) return true;
    // A message that is not in the log is not sent later.
    if (kind === Kind.topic) this.#waiting.add(cursor);
    return false;
  }

  wait(cursor: TopicCursor): void {
    this.#waiting.add(cursor);
  }

  readFailed(cursor: TopicCursor): void {
    const timer = setTimeout(() => cursor.wake(), READ_AGAIN_MS);
    timer.unref();
    this.#requests.get(cursor.request)?.ends.push(() => clearTimeout(timer));
  }

  /** Ends the client's requests for a topic, which it may not use any more. */
  revoke(topic: string): void {
    for (const [number, request] of [...this.#requests]) if (request.topic === topic) this.#revoke(number);
  }

  #pumpCursors(): boolean {
    for (const cursor of this.#waiting) {
      this.#waiting.delete(cursor);
      if (cursor.writeOne()) {
        this.#waiting.add(cursor);
        return true;
      }
      // It waits again: the session has no room.
      if (this.#waiting.has(cursor)) return false;
    }
    return false;
  }

  #subscribe(number: number, fields: FieldReader): void {
    const limit = fields.varint();
    const name = fields.string(MAX_TOPIC_BYTES);
    const start = startOf(fields);
    if (!fields.isSound) return;
    if (!this.#mayAdd(number, name)) return;
    const request: LastingRequest = { topic: name, ends: [] };
    this.#requests.set(number, request);
    this.#topics.authorization.ask(this.client, 'subscribe', name, (grant) => {
      if (this.#requests.get(number) !== request) return;
      if (grant === undefined) this.#refuse(number, 'FORBIDDEN');
      else void this.#granted(number, request, grant, start, limit);
    });
  }

  async #granted(number: number, request: LastingRequest, grant: Grant, start: Start, limit: number): Promise<void> {
    const topic = this.#topics.hold(request.topic);
    request.ends.push(() => this.#topics.release(topic));
    const isFirst = ![...this.#requests.values()].some(({ cursor }) => cursor?.feed === topic.feed);
    const cursor = new TopicCursor(this, topic, number, isFirst ? topic.feed : this.#topics.nextFeed(), limit);
    request.cursor = cursor;
    request.ends.push(() => {
      this.#waiting.delete(cursor);
      cursor.end();
    });
    try {
      await topic.ready;
      if (this.#requests.get(number) !== request) return;
      await cursor.begin(start);
      if (this.#requests.get(number) === request) request.ends.push(expiry(grant, () => this.#revoke(number)));
    } catch (cause) {
      if (this.#requests.get(number) === request) this.#refuse(number, refusalOf(cause));
    }
  }

  #allow(number: number, limit: number): void {
    this.#requests.get(number)?.cursor?.allow(limit);
  }

  #publish(number: number, fields: FieldReader, length: number): string | undefined {
    const id = fields.string(MAX_ID_BYTES);
    const name = fields.string(MAX_TOPIC_BYTES);
    const payload = fields.rest().slice();
    const isText = payload[0] === PAYLOAD_TEXT;
    if (!fields.isSound || !(isText || payload[0] === PAYLOAD_BINARY)) return 'an invalid publish';
    if (isText && !isUtf8(payload.subarray(1))) return 'invalid UTF-8';
    const { maxMessageBytes } = this.#topics.optionsOf(name);
    if (payload.length - 1 > maxMessageBytes) this.#refuse(number, 'MESSAGE_TOO_BIG', maxMessageBytes);
    else if (!isTopicName(name)) this.#refuse(number, 'FORBIDDEN');
    else this.#publishInOrder(number, name, id, payload, length);
    return undefined;
  }

  /** The client has less credit until the publish is done, so that it cannot start any number of them. */
  #publishInOrder(number: number, name: string, id: string, payload: Uint8Array<ArrayBuffer>, length: number): void {
    this.#port.hold(length);
    const start = this.#order.add((isGranted) => {
      const done = isGranted ? this.#topics.publishPayload(name, payload, id) : Promise.reject(new Forbidden());
      done
        .then((position) => this.answer(encodeBody([PUBLISHED, number, position ?? ''])))
        .catch((cause) => this.#refuse(number, refusalOf(cause)))
        .finally(() => this.#port.release(length));
    });
    this.#topics.authorization.ask(this.client, 'publish', name, (grant) => start(grant !== undefined));
  }

  /** A number that is in use, or a topic that cannot exist, is an answer of its own. */
  #mayAdd(number: number, name: string): boolean {
    const { maxPerClient } = this.#topics.settings;
    if (!isTopicName(name) || this.#requests.has(number)) this.#refuse(number, 'FORBIDDEN');
    else if (this.#requests.size >= maxPerClient) this.#refuse(number, 'TOO_MANY_TOPICS', maxPerClient);
    else return true;
    return false;
  }

  #refuse(number: number, code: RefusalCode, limit?: number): void {
    this.#end(number);
    this.#topics.refused();
    this.answer(encodeBody([REFUSED, number, REFUSALS.indexOf(code) + 1, ...(limit === undefined ? [] : [limit])]));
  }

  #revoke(number: number): void {
    this.#end(number);
    this.answer(encodeBody([REVOKED, number, REFUSALS.indexOf('FORBIDDEN') + 1]));
  }

  #end(number: number): void {
    const request = this.#requests.get(number);
    this.#requests.delete(number);
    for (const end of request?.ends ?? []) end();
  }
}

/** The code of a failure for the client. What is not the backplane's is a lack of permission. */
export function refusalOf(cause: unknown): RefusalCode {
  if (!(cause instanceof BackplaneError)) return 'FORBIDDEN';
  const codes = { down: 'BACKPLANE_DOWN', busy: 'BACKPLANE_BUSY', full: 'BACKPLANE_FULL', timeout: 'BACKPLANE_TIMEOUT' } as const;
  return codes[cause.fault];
}

class Forbidden extends Error {}

function startOf(fields: FieldReader): Start {
  const from = fields.varint(FROM_POSITION);
  if (from === FROM_NOW) return { at: 'now' };
  return from === FROM_OLDEST ? { at: 'oldest' } : { at: 'position', position: fields.string(MAX_POSITION_BYTES) };
}
