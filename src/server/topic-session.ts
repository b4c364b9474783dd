import { isUtf8 } from 'node:buffer';
import { BackplaneError, type Position } from '../backplane/backplane.js';
import type { Clock } from '../core/clock.js';
import type { Extension, RecordPort } from '../core/extension.js';
import { FieldReader } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import {
  encodeBody,
  FROM_NOW,
  FROM_OLDEST,
  FROM_POSITION,
  isTopicName,
  JOIN,
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
  UPDATE,
  WINDOW,
} from '../topics/records.js';
import type { Authorization, Grant } from './authorization.js';
import { ClientPresence, isJson, isKey } from './client-presence.js';
import { expiry } from './grant-expiry.js';
import type { Presences } from './presences.js';
import { PublishOrder } from './publish-order.js';
import type { Topic } from './topic.js';
import { type Start, TopicCursor } from './topic-cursor.js';
import type { ServerTopicSettings, TopicSettings } from './topic-options.js';
import { TopicOutput } from './topic-output.js';
import type { ServerClient } from './types.js';

/** A request of the client that lasts until one side ends it. */
interface LastingRequest {
  readonly topic: string;
  cursor?: TopicCursor;
  presence?: ClientPresence;
  /** Ends it, and whatever waits for it. */
  readonly ends: (() => void)[];
}

/** The server of a client's topics. */
export interface TopicServer {
  readonly settings: ServerTopicSettings;
  readonly authorization: Authorization;
  readonly clock: Clock;
  readonly presences: Presences;
  /** The key of the client's user; undefined if it has failed. */
  keyOf(client: ServerClient): string | undefined;
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

/** Publishes that are not done, with the answers that wait, at which volatile messages are dropped; at twice as many without an answer. */
const MAX_VOLATILE = 1_000;

/** The server's half of topics, for one client: its subscriptions, its presences, and what it publishes. */
export class TopicSession implements Extension {
  /** Answers are sent before the connection is closed only if there is room. */
  readonly isIdle = true;
  readonly client: ServerClient;
  readonly #topics: TopicServer;
  readonly #port: RecordPort;
  readonly #output: TopicOutput;
  readonly #requests = new Map<number, LastingRequest>();
  readonly #order = new PublishOrder();

  constructor(client: ServerClient, topics: TopicServer, port: RecordPort) {
    this.client = client;
    this.#topics = topics;
    this.#port = port;
    this.#output = new TopicOutput(port, topics.clock);
  }

  receive(kind: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (kind !== Kind.topic && kind !== Kind.transient) return undefined;
    const fields = new FieldReader(bytes, start, end);
    const subtype = fields.varint();
    const request = fields.varint();
    if (subtype === SUBSCRIBE) this.#subscribe(request, fields);
    else if (subtype === STOP) this.#end(request);
    else if (subtype === WINDOW) this.#allow(request, fields.varint());
    else if (subtype === PUBLISH) return this.#publish(request, fields, end - start, kind === Kind.transient);
    else if (subtype === JOIN) return this.#join(request, fields, end - start);
    else if (subtype === UPDATE) return this.#update(request, fields, end - start);
    return fields.isSound ? undefined : 'an invalid record of a topic';
  }

  opened(isResumed: boolean): void {
    if (!isResumed) return;
    for (const { cursor, presence } of this.#requests.values()) {
      cursor?.resumed();
      presence?.refresh();
    }
  }

  detached(): void {
    for (const { presence } of this.#requests.values()) presence?.refresh();
  }

  ended(): void {
    this.#output.end();
    for (const request of [...this.#requests.keys()]) this.#end(request);
    this.#topics.ended(this);
  }

  pump(): boolean {
    return this.#output.pump();
  }

  /** Ends the client's requests for a topic, which it may not use any more. */
  revoke(topic: string): void {
    for (const [number, request] of [...this.#requests]) if (request.topic === topic) this.#revoke(number);
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
    const cursor = new TopicCursor(this.#output, topic, number, this.#feedOf(topic.feed), limit);
    request.cursor = cursor;
    request.ends.push(() => {
      this.#output.forget(cursor);
      cursor.end();
    });
    try {
      await topic.ready;
      if (this.#requests.get(number) !== request) return;
      await cursor.begin(start);
      if (this.#requests.get(number) === request) request.ends.push(expiry(this.#topics.clock, grant, () => this.#revoke(number)));
    } catch (cause) {
      if (this.#requests.get(number) === request) this.#refuse(number, refusalOf(cause));
    }
  }

  #allow(number: number, limit: number): void {
    this.#requests.get(number)?.cursor?.allow(limit);
  }

  #publish(number: number, fields: FieldReader, length: number, isTransient: boolean): string | undefined {
    const id = fields.string(MAX_ID_BYTES);
    const name = fields.string(MAX_TOPIC_BYTES);
    const payload = fields.rest().slice();
    const isText = payload[0] === PAYLOAD_TEXT;
    if (!fields.isSound || !(isText || payload[0] === PAYLOAD_BINARY)) return 'an invalid publish';
    if (isText && !isUtf8(payload.subarray(1))) return 'invalid UTF-8';
    // The records of volatile messages cost no credit.
    if (isTransient && this.#order.length + this.#output.answers >= MAX_VOLATILE) return this.#shed(number);
    if (!isTopicName(name)) return this.#refuse(number, 'FORBIDDEN');
    const { maxMessageBytes } = this.#topics.optionsOf(name);
    if (payload.length - 1 > maxMessageBytes) this.#refuse(number, 'MESSAGE_TOO_BIG', maxMessageBytes);
    else this.#publishInOrder(number, name, id, payload, length);
    return undefined;
  }

  #shed(number: number): undefined {
    if (this.#output.answers < 2 * MAX_VOLATILE) this.#output.answer(encodeBody([PUBLISHED, number, '']));
  }

  /** The client has less credit until the publish is done, so that it cannot start any number of them. */
  #publishInOrder(number: number, name: string, id: string, payload: Uint8Array<ArrayBuffer>, length: number): void {
    this.#port.hold(length);
    const start = this.#order.add((isGranted) => {
      const done = isGranted ? this.#topics.publishPayload(name, payload, id) : Promise.reject(new Forbidden());
      done
        .then((position) => this.#output.answer(encodeBody([PUBLISHED, number, position ?? ''])))
        .catch((cause) => this.#refuse(number, refusalOf(cause)))
        .finally(() => this.#port.release(length));
    });
    this.#topics.authorization.ask(this.client, 'publish', name, (grant) => start(grant !== undefined));
  }

  #join(number: number, fields: FieldReader, length: number): string | undefined {
    const isObserver = fields.varint(1) === 1;
    const name = fields.string(MAX_TOPIC_BYTES);
    const data = isObserver ? undefined : fields.string(length);
    if (!fields.isSound) return 'an invalid JOIN';
    if (!this.#mayAdd(number, name) || this.#isTooBig(number, data)) return undefined;
    if (data !== undefined && !isJson(data)) return 'invalid JSON';
    const presence = new ClientPresence(this.#output, this.#topics.presences, name, data);
    const request: LastingRequest = { topic: name, presence, ends: [() => presence.end()] };
    this.#requests.set(number, request);
    this.#topics.authorization.ask(this.client, 'presence', name, (grant) => {
      if (this.#requests.get(number) !== request) return;
      if (grant === undefined) this.#refuse(number, 'FORBIDDEN');
      else void this.#joined(number, request, presence, grant);
    });
    return undefined;
  }

  async #joined(number: number, request: LastingRequest, presence: ClientPresence, grant: Grant): Promise<void> {
    const key = presence.isObserver ? '' : this.#topics.keyOf(this.client);
    // Without a key of its own a client is no member.
    if (key === undefined || !isKey(key)) return this.#refuse(number, 'FORBIDDEN');
    try {
      await presence.begin(number, key, (feed) => this.#feedOf(feed));
      if (this.#requests.get(number) === request) request.ends.push(expiry(this.#topics.clock, grant, () => this.#revoke(number)));
    } catch (cause) {
      if (this.#requests.get(number) === request) this.#refuse(number, refusalOf(cause));
    }
  }

  #update(number: number, fields: FieldReader, length: number): string | undefined {
    const data = fields.string(length);
    const presence = this.#requests.get(number)?.presence;
    if (!fields.isSound || presence?.isObserver === true) return 'an invalid UPDATE';
    // The presence may have been revoked meanwhile.
    if (presence === undefined || this.#isTooBig(number, data)) return undefined;
    if (!isJson(data)) return 'invalid JSON';
    presence.update(data, length);
    return undefined;
  }

  #isTooBig(number: number, data: string | undefined): boolean {
    const { maxPresenceBytes: limit } = this.#topics.settings;
    const isTooBig = data !== undefined && Buffer.byteLength(data) > limit;
    if (isTooBig) this.#refuse(number, 'MESSAGE_TOO_BIG', limit);
    return isTooBig;
  }

  /** The number of a topic, or another one if this session already has a request with that. */
  #feedOf(feed: number): number {
    const isUsed = [...this.#requests.values()].some(({ cursor, presence }) => (cursor ?? presence)?.feed === feed);
    return isUsed ? this.#topics.nextFeed() : feed;
  }

  /** A number that is in use, or a topic that cannot exist, is an answer of its own. */
  #mayAdd(number: number, name: string): boolean {
    const { maxPerClient } = this.#topics.settings;
    if (!isTopicName(name) || this.#requests.has(number)) this.#refuse(number, 'FORBIDDEN');
    else if (this.#requests.size >= maxPerClient) this.#refuse(number, 'TOO_MANY_TOPICS', maxPerClient);
    else return true;
    return false;
  }

  #refuse(number: number, code: RefusalCode, limit?: number): undefined {
    this.#end(number);
    this.#topics.refused();
    this.#output.answer(encodeBody([REFUSED, number, REFUSALS.indexOf(code) + 1, ...(limit === undefined ? [] : [limit])]));
  }

  #revoke(number: number): void {
    this.#end(number);
    this.#output.answer(encodeBody([REVOKED, number, REFUSALS.indexOf('FORBIDDEN') + 1]));
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
  return from === FROM_OLDEST ? { at: 'oldest' } : { at: 'position', position: fields.string(MAX_POSITION_BYTES) || undefined };
}
