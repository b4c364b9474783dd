import { encodeBody, GRANTED, MAX_KEY_BYTES } from '../topics/records.js';
import { type ObserverSession, PresenceObserver } from './presence-observer.js';
import type { PresenceTopic, PresentClient, TopicObserver } from './presence-topic.js';
import type { Presences } from './presences.js';
import type { EncodedEntry } from './topic.js';

/** The session of a presence. */
export interface PresenceSession extends ObserverSession, PresentClient {
  /** Queues a record that must arrive. */
  answer(body: Uint8Array<ArrayBuffer>): void;
  /** The client has less credit until as many bytes are released. */
  hold(bytes: number): void;
  release(bytes: number): void;
}

/** One client's presence in a topic: its own data, and what it gets of the other members. */
export class ClientPresence implements TopicObserver {
  readonly #session: PresenceSession;
  readonly #presences: Presences;
  readonly #name: string;
  /** JSON; undefined for an observer. */
  #data: string | undefined;
  #key = '';
  #topic: PresenceTopic | undefined;
  #observer: PresenceObserver | undefined;
  /** Bytes of updates since the last batch. */
  #heldBytes = 0;
  #isOver = false;

  constructor(session: PresenceSession, presences: Presences, name: string, data: string | undefined) {
    this.#session = session;
    this.#presences = presences;
    this.#name = name;
    this.#data = data;
  }

  get isObserver(): boolean {
    return this.#data === undefined;
  }

  get feed(): number {
    return this.#observer?.feed ?? 0;
  }

  /**
   * Answers with the grant; the snapshot follows. Rejects if the members of the other nodes cannot be read.
   *
   * @param feedOf the number for this session, if the topic has this one.
   */
  async begin(request: number, key: string, feedOf: (feed: number) => number): Promise<void> {
    const topic = this.#presences.hold(this.#name);
    this.#topic = topic;
    await topic.ready;
    if (this.#isOver) return;
    const feed = feedOf(topic.feed);
    this.#observer = new PresenceObserver(this.#session, topic, feed);
    this.#session.answer(encodeBody([GRANTED, request, feed]));
    this.#key = key;
    if (this.#data !== undefined) topic.join(this.#session, key, this.#data);
    topic.observe(this);
  }

  /** The client has less credit until the update is sent to the others, so that it cannot send more updates than they can use. */
  update(data: string, bytes: number): void {
    this.#data = data;
    if (this.#observer === undefined) return;
    this.#heldBytes += bytes;
    this.#session.hold(bytes);
    this.#topic?.update(this.#key, data);
  }

  /** The client has disconnected or resumed. */
  refresh(): void {
    if (this.#observer !== undefined && !this.isObserver) this.#topic?.refresh(this.#key);
  }

  changed(records: readonly EncodedEntry[]): void {
    this.#release();
    this.#observer?.changed(records);
  }

  end(): void {
    this.#isOver = true;
    this.#release();
    const topic = this.#topic;
    if (topic === undefined) return;
    if (this.#observer !== undefined) {
      this.#session.forget(this.#observer);
      topic.observers.delete(this);
      if (!this.isObserver) topic.leave(this.#session, this.#key);
    }
    this.#presences.release(topic);
  }

  #release(): void {
    if (this.#heldBytes > 0) this.#session.release(this.#heldBytes);
    this.#heldBytes = 0;
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a member may have this key. One with a lone surrogate would be another one on the wire. */
export function isKey(key: string): boolean {
  return Buffer.byteLength(key) <= MAX_KEY_BYTES && !/\p{Cs}/u.test(key);
}
