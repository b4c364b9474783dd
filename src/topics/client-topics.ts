import { makeError, type WebsocketError } from '../core/errors.js';
import type { ExtensibleClient, Extension, RecordPort } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import { FEATURE_TOPICS, FieldReader } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import { ENTRY, MEMBERS, REFUSALS, REFUSED, REVOKED, type RefusalCode } from './records.js';

/** A subscription, a publish or a presence: something that this side asks of the server, once for each session. */
export interface TopicRequest {
  readonly topic: string;
  /** The record that asks for it. In a new session it is asked again. */
  ask(request: number): Uint8Array<ArrayBuffer>;
  /** A record that answers the request or belongs to it. False: it makes no sense. */
  answer(subtype: number, fields: FieldReader): boolean;
  /** The request is over: refused, revoked, or the connection has ended. */
  failed(error: WebsocketError, subtype: number): void;
  /** The session was resumed. */
  resumed?(): void;
  /** The transport is gone. */
  detached?(): void;
}

/** Receives the records that the server sends to many sessions: those of one subscription or of one presence. */
export type Feed = (fields: FieldReader) => boolean;

/** A record that waits for the session, and that a newer one may replace until it is sent. */
export interface WaitingRecord {
  record: Uint8Array<ArrayBuffer>;
  isSent: boolean;
}

/** The client's half of topics: its requests, in the order in which they were made. */
export class ClientTopics implements Extension {
  readonly client: ExtensibleClient;
  readonly port: RecordPort;
  readonly #requests = new Map<number, TopicRequest>();
  readonly #feeds = new Map<number, Feed>();
  /** Records that wait for the session. */
  readonly #waiting = new Queue<WaitingRecord>();
  #lastRequest = 0;
  #lastPublished = 0;
  /** Bytes of messages that are not known to be published. */
  #heldBytes = 0;
  /** This session has been asked for everything. */
  #isAsked = false;

  constructor(client: ExtensibleClient, port: RecordPort) {
    this.client = client;
    this.port = port;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Makes the request, now or when the connection opens. Returns its number. */
  add(request: TopicRequest): number {
    this.#lastRequest += 1;
    this.#requests.set(this.#lastRequest, request);
    if (this.#isAsked && this.#isUnsupported()) this.#fail(this.#lastRequest, request, REFUSED, unsupported());
    else if (this.#isAsked) this.#ask(this.#lastRequest, request);
    return this.#lastRequest;
  }

  /**
   * For a request that is sent at once or not at all: it gets an answer in this session only. Returns 0 if the request has failed, or if
   * there is no connection.
   */
  expect(request: TopicRequest): number {
    if (!this.port.isOpen) return 0;
    this.#lastRequest += 1;
    this.#requests.set(this.#lastRequest, request);
    if (!this.#isUnsupported()) return this.#lastRequest;
    this.#fail(this.#lastRequest, request, REFUSED, unsupported());
    return 0;
  }

  /** Unique among all clients, and the same however often the message is sent. */
  nextPublishId(): string {
    this.#lastPublished += 1;
    return `${this.client.id}-${this.#lastPublished.toString(36)}`;
  }

  /** @throws {WebsocketError} `OUTBOX_FULL` */
  hold(bytes: number): void {
    const { maxBytes: limit } = this.port;
    if (this.#heldBytes + bytes > limit) throw makeError('OUTBOX_FULL', { buffered: this.#heldBytes, size: bytes, limit });
    this.#heldBytes += bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** The request is over on this side. */
  remove(request: number): boolean {
    return this.#requests.delete(request);
  }

  feed(id: number, feed: Feed): void {
    this.#feeds.set(id, feed);
  }

  unfeed(id: number, feed: Feed): void {
    if (this.#feeds.get(id) === feed) this.#feeds.delete(id);
  }

  /** Sends a record of a request in this session; dropped if there is none, because a new one is asked for everything. */
  send(record: Uint8Array<ArrayBuffer>): WaitingRecord {
    const waiting = { record, isSent: !this.#isAsked };
    if (this.#isAsked) {
      this.#waiting.push(waiting);
      this.port.due();
    }
    return waiting;
  }

  pump(): boolean {
    const waiting = this.#waiting.peek();
    if (waiting === undefined || !this.port.write(Kind.topic, waiting.record)) return false;
    waiting.isSent = true;
    this.#waiting.shift();
    return true;
  }

  opened(isResumed: boolean): void {
    if (isResumed && this.#isAsked) {
      for (const request of this.#requests.values()) request.resumed?.();
      return;
    }
    this.#waiting.clear();
    this.#feeds.clear();
    this.#isAsked = true;
    const isUnsupported = this.#isUnsupported();
    for (const [number, request] of [...this.#requests]) {
      if (isUnsupported) this.#fail(number, request, REFUSED, unsupported());
      else this.#ask(number, request);
    }
  }

  detached(): void {
    for (const request of [...this.#requests.values()]) request.detached?.();
  }

  ended(): void {
    this.#isAsked = false;
    const error = makeError('NOT_OPEN', { state: 'closed' });
    for (const [number, request] of [...this.#requests]) this.#fail(number, request, REFUSED, error);
  }

  receive(kind: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (kind !== Kind.topic && kind !== Kind.transient) return undefined;
    const fields = new FieldReader(bytes, start, end);
    const subtype = fields.varint();
    const id = fields.varint();
    const isSound = subtype === ENTRY || subtype === MEMBERS ? this.#feeds.get(id)?.(fields) : this.#answered(subtype, id, fields);
    return isSound === false || !fields.isSound ? 'an invalid record of a topic' : undefined;
  }

  /** An answer to a request that is over here is ignored. */
  #answered(subtype: number, number: number, fields: FieldReader): boolean {
    const request = this.#requests.get(number);
    if (request === undefined) return true;
    if (subtype !== REFUSED && subtype !== REVOKED) return request.answer(subtype, fields);
    const code = REFUSALS[fields.varint() - 1] ?? 'FORBIDDEN';
    this.#fail(number, request, subtype, refused(code, request.topic, fields.isAtEnd ? undefined : fields.varint()));
    return true;
  }

  /** A message that the server does not take is refused here: in the session it would end the connection. */
  #ask(number: number, request: TopicRequest): void {
    const record = request.ask(number);
    const { maxBodyBytes: limit } = this.port;
    if (record.length <= limit) this.send(record);
    else this.#fail(number, request, REFUSED, makeError('MESSAGE_TOO_BIG', { size: record.length, limit, topic: request.topic }));
  }

  #fail(number: number, request: TopicRequest, subtype: number, error: WebsocketError): void {
    this.#requests.delete(number);
    request.failed(error, subtype);
  }

  #isUnsupported(): boolean {
    // The lowest bit: a sum of bits may be larger than the operators for bits allow.
    return this.port.features % (2 * FEATURE_TOPICS) < FEATURE_TOPICS;
  }
}

/** The error of a refusal: docs/errors.md says which facts a code has. */
function refused(code: RefusalCode, topic: string, limit: number | undefined): WebsocketError {
  switch (code) {
    case 'FORBIDDEN':
      return makeError(code, { topic });
    case 'MESSAGE_TOO_BIG':
      return makeError('MESSAGE_TOO_BIG', { topic, limit });
    case 'TOO_MANY_TOPICS':
      return makeError('TOO_MANY_TOPICS', { limit });
    default:
      return makeError(code, { mayHaveArrived: code === 'BACKPLANE_TIMEOUT' });
  }
}

export function unsupported(): WebsocketError {
  return makeError('UNSUPPORTED', { feature: 'topics' });
}
