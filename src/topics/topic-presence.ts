import { Emitter, type Listeners } from '../core/emitter.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { utf8Length } from '../core/message-bytes.js';
import { invalid } from '../core/option-checks.js';
import { asyncDispose, type Deferred, deferred } from '../core/util.js';
import type { FieldReader } from '../session/codec.js';
import type { ClientTopics, Feed, TopicRequest, WaitingRecord } from './client-topics.js';
import { AWAY, encodeBody, GRANTED, JOIN, MAX_DATA_BYTES, MAX_KEY_BYTES, MORE, SNAPSHOT, STOP, UPDATE } from './records.js';
import type { Member, Presence, PresenceEvents } from './types.js';

const noListeners: Listeners<PresenceEvents> = { join: [], leave: [], change: [], revoked: [] };

/** One presence: this client's own data, and the members as the server reports them. */
export class TopicPresence implements Presence, TopicRequest {
  readonly topic: string;
  readonly members = new Map<string, Member>();
  readonly #topics: ClientTopics;
  readonly #signal: AbortSignal | undefined;
  readonly #joined: Deferred<Presence> = deferred();
  readonly #events: Emitter<PresenceEvents>;
  readonly #receive: Feed = (fields) => this.#read(fields);
  /** JSON; undefined for an observer. */
  #data: string | undefined;
  #request = 0;
  #feed: number | undefined;
  #update: WaitingRecord | undefined;
  /** Known members that the snapshot, of which more records follow, has not named so far. */
  #unnamed = new Set<string>();
  #hasJoined = false;
  #ended: WebsocketError | undefined;

  constructor(topics: ClientTopics, topic: string, data: string | undefined, signal?: AbortSignal) {
    this.topic = topic;
    this.#topics = topics;
    this.#data = data;
    this.#signal = signal;
    this.#events = new Emitter(noListeners, (cause, event) => topics.client.handlerFailed(cause, event));
  }

  /** Resolves with the first snapshot. */
  begin(): Promise<Presence> {
    this.#signal?.addEventListener('abort', this.#abort, { once: true });
    this.#request = this.#topics.add(this);
    return this.#joined.promise;
  }

  on<E extends keyof PresenceEvents>(event: E, listener: PresenceEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  async update(data: unknown): Promise<void> {
    if (this.#data === undefined) throw invalid('observe', true);
    const json = encodeData(this.topic, data);
    if (this.#ended !== undefined) throw this.#ended;
    this.#data = json;
    const record = encodeBody([UPDATE, this.#request, json]);
    if (this.#update?.isSent === false) this.#update.record = record;
    else this.#update = this.#topics.send(record);
  }

  leave(): Promise<void> {
    this.#abort();
    return Promise.resolve();
  }

  [asyncDispose](): Promise<void> {
    return this.leave();
  }

  ask(request: number): Uint8Array<ArrayBuffer> {
    this.#update = undefined;
    const data = this.#data;
    return encodeBody(data === undefined ? [JOIN, request, 1, this.topic] : [JOIN, request, 0, this.topic, data]);
  }

  answer(subtype: number, fields: FieldReader): boolean {
    if (subtype !== GRANTED) return false;
    this.#feed = fields.varint();
    if (fields.isSound) this.#topics.feed(this.#feed, this.#receive);
    return fields.isSound;
  }

  failed(error: WebsocketError): void {
    this.#over(error);
    if (this.#hasJoined && error.code !== 'NOT_OPEN') this.#events.emit('revoked', error);
  }

  /** If the server has not answered yet, the promise of `presence()` is rejected. */
  readonly #abort = (): void => {
    if (this.#topics.remove(this.#request)) this.#topics.send(encodeBody([STOP, this.#request]));
    this.#over(makeError('ABORTED', { topic: this.topic }, this.#signal?.reason));
  };

  #read(fields: FieldReader): boolean {
    const bits = fields.varint();
    if (bits % (2 * SNAPSHOT) === SNAPSHOT) this.#unnamed = new Set(this.members.keys());
    for (let count = fields.varint(); count > 0 && fields.isSound; count--) this.#readMember(fields);
    if (!fields.isSound) return false;
    if (bits >= MORE) return true;
    for (const key of this.#unnamed) this.#remove(key);
    this.#unnamed.clear();
    this.#hasJoined = true;
    this.#joined.resolve(this);
    return true;
  }

  #readMember(fields: FieldReader): void {
    const key = fields.string(MAX_KEY_BYTES);
    const connections = fields.varint();
    const state = fields.varint() === AWAY ? 'away' : 'here';
    const data = parse(fields.string(MAX_DATA_BYTES));
    if (data === undefined) fields.isSound = false;
    if (!fields.isSound) return;
    this.#unnamed.delete(key);
    if (connections === 0) this.#remove(key);
    else this.#set({ key, data, connections, state });
  }

  #set(member: Member): void {
    const before = this.members.get(member.key);
    if (JSON.stringify(before) === JSON.stringify(member)) return;
    this.members.set(member.key, member);
    this.#emit(before === undefined ? 'join' : 'change', member);
  }

  #remove(key: string): void {
    const member = this.members.get(key);
    if (this.members.delete(key)) this.#emit('leave', member as Member);
  }

  /** A listener may have left. */
  #emit(event: 'join' | 'leave' | 'change', member: Member): void {
    if (this.#ended === undefined) this.#events.emit(event, member);
  }

  #over(error: WebsocketError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#signal?.removeEventListener('abort', this.#abort);
    if (this.#feed !== undefined) this.#topics.unfeed(this.#feed, this.#receive);
    this.#joined.reject(error);
  }
}

/** @throws {WebsocketError} `INVALID_OPTION` for data that JSON cannot represent, `MESSAGE_TOO_BIG`. */
export function encodeData(topic: string, data: unknown = null): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw makeError('INVALID_OPTION', { option: 'data', value: data }, cause);
  }
  if (json === undefined) throw invalid('data', data);
  const size = utf8Length(json);
  if (size > MAX_DATA_BYTES) throw makeError('MESSAGE_TOO_BIG', { size, limit: MAX_DATA_BYTES, topic });
  return json;
}

/** Undefined if it is no JSON. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
