import { makeError, type WebsocketError } from '../core/errors.js';
import { type Deferred, deferred } from '../core/util.js';
import { type FieldReader, MAX_BODY_BYTES } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import type { ClientTopics, TopicRequest } from './client-topics.js';
import { encodeBody, MAX_POSITION_BYTES, PUBLISH, PUBLISHED } from './records.js';

/** One message on its way to a topic. */
export class PublishRequest implements TopicRequest {
  readonly topic: string;
  readonly #topics: ClientTopics;
  readonly #payload: Uint8Array<ArrayBuffer>;
  /** Identifies the message, so that the server publishes it once; '' for a volatile one. */
  readonly #id: string;
  readonly #signal: AbortSignal | undefined;
  readonly #published: Deferred<string | undefined> = deferred();
  #request = 0;
  #isOver = false;

  /** @throws {WebsocketError} `OUTBOX_FULL` */
  constructor(topics: ClientTopics, topic: string, payload: Uint8Array<ArrayBuffer>, isVolatile: boolean, signal?: AbortSignal) {
    this.#topics = topics;
    this.topic = topic;
    this.#payload = payload;
    this.#id = isVolatile ? '' : topics.nextPublishId();
    this.#signal = signal;
    topics.hold(payload.length);
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  begin(): Promise<string | undefined> {
    if (this.#id === '') this.#beginVolatile();
    else this.#request = this.#topics.add(this);
    return this.#published.promise;
  }

  ask(request: number): Uint8Array<ArrayBuffer> {
    return encodeBody([PUBLISH, request, this.#id, this.topic], this.#payload);
  }

  answer(subtype: number, fields: FieldReader): boolean {
    const position = fields.string(MAX_POSITION_BYTES);
    if (subtype !== PUBLISHED || !fields.isSound) return false;
    this.#over();
    this.#published.resolve(position || undefined);
    return true;
  }

  failed(error: WebsocketError): void {
    this.#over();
    this.#published.reject(error);
  }

  /** A volatile message is never sent again, and nobody knows whether it arrived. */
  detached(): void {
    if (this.#id === '') this.#shed();
  }

  /** It is sent at once or not at all. A large one is fragmented, which only numbered records are. */
  #beginVolatile(): void {
    this.#request = this.#topics.expect(this);
    const record = this.ask(this.#request);
    const kind = record.length > MAX_BODY_BYTES ? Kind.topic : Kind.transient;
    if (this.#request === 0 || !this.#topics.port.write(kind, record)) this.#shed();
  }

  #shed(): void {
    this.#over();
    this.#published.resolve(undefined);
  }

  readonly #abort = (): void => {
    this.failed(makeError('ABORTED', { topic: this.topic }, this.#signal?.reason));
  };

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#topics.remove(this.#request);
    this.#topics.release(this.#payload.length);
    this.#signal?.removeEventListener('abort', this.#abort);
  }
}
