import type { ClientConnection, ConnectionOwner } from './client-connection.js';
import type { ClientParts } from './client-parts.js';
import { checkClose } from './close-codes.js';
import { Emitter } from './emitter.js';
import { makeError, type WebsocketError } from './errors.js';
import type { ExtensibleClient, Extension, RecordPort } from './extension.js';
import { Inbox } from './inbox.js';
import { copyOf, utf8Length } from './message-bytes.js';
import { checkDelivery } from './option-checks.js';
import {
  type ClientEvents,
  type ClientStats,
  type CloseInfo,
  type ConnectionState,
  type Continuity,
  clientEvents,
  type Delivery,
  type Message,
  type MessageIterator,
  noStats,
  type Received,
  type ReconnectAttempt,
} from './types.js';
import { asyncDispose, type Deferred, deferred, newId, rejected } from './util.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The one implementation of IWebsocketClient: the connection, the inbox, the events, and the counters. */
export class Client implements ExtensibleClient {
  /** The side of the client that its connection reports to. A class, because a server's clients then need no closures of their own. */
  static readonly #Owner = class implements ConnectionOwner {
    readonly #client: Client;

    constructor(client: Client) {
      this.#client = client;
    }

    stateChanged(now: ConnectionState, before: ConnectionState): void {
      this.#client.#events.emit('state', now, before);
    }

    opened(isFirst: boolean, continuity: Continuity): void {
      const client = this.#client;
      client.#hasOpened = true;
      client.#opening.resolve();
      if (!isFirst) client.#counters.reconnects += 1;
      if (isFirst) client.#events.emit('open');
      else client.#events.emit('reconnected', continuity);
    }

    retrying(attempt: ReconnectAttempt): void {
      const client = this.#client;
      const isError = attempt.cause instanceof Error && client.#isFirstFailure();
      if (isError && !client.#events.has('reconnecting')) client.#tell(attempt.cause as WebsocketError);
      client.#events.emit('reconnecting', attempt);
    }

    failed(error: WebsocketError): void {
      if (this.#client.#events.has('error')) this.#client.#events.emit('error', error);
      else this.#client.unheard(error);
    }

    closed(info: CloseInfo, cause: WebsocketError | undefined): void {
      this.#client.#closed(info, cause);
    }

    deliver(message: Message, bytes: number): void {
      const client = this.#client;
      client.#counters.messagesReceived += 1;
      client.#counters.bytesReceived += bytes;
      client.#inbox.push(message, bytes);
    }

    sent(bytes: number): void {
      const counters = this.#client.#counters;
      counters.messagesSent += 1;
      counters.bytesSent += bytes;
    }

    shed(): void {
      this.#client.#counters.messagesShed += 1;
    }

    drained(): void {
      this.#client.#checkDrain();
    }

    undelivered(messages: readonly Message[]): void {
      this.#client.#handBack(messages, 0);
    }

    measured(rttMs: number): void {
      this.#client.#counters.rttMs = rttMs;
    }
  };

  readonly id: string;
  readonly #parts: ClientParts;
  readonly #connection: ClientConnection;
  readonly #inbox: Inbox;
  readonly #events: Emitter<ClientEvents>;
  readonly #counters: Mutable<ClientStats> = { ...noStats };
  readonly #opening = deferred<void>();
  #hasOpened = false;
  #reportsFirstFailure: boolean | undefined;
  #closing: Deferred<CloseInfo> | undefined;
  /** Of all callers that wait for `drained()`. */
  #drain: Deferred<void> | undefined;
  #unwatch: (() => void) | undefined;
  /** The owner has called `close()`, so a later send is its own mistake. */
  #ownerClosed = false;
  /** Sends after the connection ended without the owner's `close()`, not reported yet. */
  #late = { messages: 0, bytes: 0 };
  #info: CloseInfo | undefined;
  #hasLoggedUnsent = false;

  constructor(parts: ClientParts) {
    const { platform, settings } = parts;
    this.id = newId(platform.random);
    this.#parts = parts;
    this.#reportsFirstFailure = parts.reportsFirstFailure;
    this.#events = new Emitter(clientEvents, (error, event) => this.handlerFailed(error, event));
    this.#connection = parts.makeConnection(new Client.#Owner(this));
    this.#inbox = new Inbox(settings.inbox, this.#connection, () => this.finished(this.#ownerClosed), platform.makeInboxQueue?.());
    if (parts.onMessage !== undefined) this.#attachHandler();
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get protocol(): string {
    return this.#connection.protocol;
  }

  get bufferedBytes(): number {
    return this.#connection.channel.bufferedBytes;
  }

  get stats(): ClientStats {
    return { ...this.#counters };
  }

  /**
   * Opens the connection; safe to call twice. Rejects with a WebsocketError that says why the first attempt failed,
   * and then the client is closed: make a new one to try again. Rejects with `NOT_OPEN` after `close()`.
   */
  connect(): Promise<void> {
    if (this.#parts.signal?.aborted) this.#abort();
    else if (this.state === 'idle') {
      this.#parts.signal?.addEventListener('abort', this.#abort, { once: true });
      this.#unwatch = this.#parts.platform.lifecycle.watch(this.#connection);
      this.#connection.connect();
    } else if (this.#hasOpened && this.#isClosingOrClosed()) return Promise.reject(makeError('NOT_OPEN', { state: this.state }));
    return this.#opening.promise;
  }

  isConnectionOpen(): boolean {
    return this.state === 'open';
  }

  sendMessage(text: string, delivery: Delivery = 'reliable'): boolean {
    if (typeof text !== 'string') throw makeError('INVALID_MESSAGE', { method: 'sendMessage' });
    const { byteLength = utf8Length } = this.#parts.platform;
    return this.send(text, byteLength(text), delivery);
  }

  sendMessageBinary(bytes: ArrayBuffer | ArrayBufferView, delivery: Delivery = 'reliable'): boolean {
    const copy = copyOf(bytes);
    return this.send(copy, copy.byteLength, delivery);
  }

  drained(): Promise<void> {
    if (this.#isClosingOrClosed()) return rejected(makeError('NOT_OPEN', { state: this.state }));
    this.#drain ??= deferred();
    const { promise } = this.#drain;
    this.#checkDrain();
    return promise;
  }

  getMessage(): Received | undefined {
    return this.#inbox.getMessage();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  close(code = 1000, reason = ''): Promise<CloseInfo> {
    checkClose(code, reason);
    this.#ownerClosed = true;
    this.#connection.close(code, reason);
    return this.ending;
  }

  on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    const off = this.#events.on(event, listener);
    if (event !== 'message') return off;
    this.#attachHandler();
    return () => {
      off();
      if (this.#parts.onMessage === undefined && !this.#events.has('message')) this.#inbox.setHandler(undefined);
    };
  }

  [Symbol.asyncIterator](): MessageIterator {
    return this.#inbox.iterate();
  }

  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the other entries of this library, such as "gemsocket/topics". */
  extension<E extends Extension>(name: string, make: (port: RecordPort) => E): E | undefined {
    return this.#connection.extension?.(name, make);
  }

  /** Resolves when the connection is closed. */
  protected get ending(): Promise<CloseInfo> {
    if (this.#info === undefined) this.#closing ??= deferred();
    return this.#closing?.promise ?? Promise.resolve(this.#info as CloseInfo);
  }

  /** Sends the message itself, not a copy. */
  protected send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): boolean {
    checkDelivery(delivery);
    const { state } = this;
    if (state === 'idle' || this.#ownerClosed) throw makeError('NOT_OPEN', { state });
    if (this.#isClosingOrClosed(state)) {
      this.#addLate(1, bytes);
      return false;
    }
    return this.keepsUp(this.#connection.channel.send(message, bytes, delivery), bytes);
  }

  /** @param waitingBytes queued before a message of `bytes` was sent. */
  protected keepsUp(waitingBytes: number, bytes: number): boolean {
    return waitingBytes + bytes < this.#parts.settings.outbox.highWaterBytes;
  }

  /** The connection is closed and every buffered message has been read. */
  protected finished(isOwn: boolean): void {
    this.#parts.onFinished?.(this, isOwn);
  }

  /** An error without a listener. */
  protected report(error: WebsocketError): void {
    this.#parts.platform.report(error);
  }

  /** An error of the connection without a listener, which an event, a promise or the state reports as well. */
  protected unheard(error: WebsocketError): void {
    if (error.code === 'MESSAGE_TOO_BIG' || this.#isFirstFailure()) this.report(error);
  }

  /** This many messages were accepted and never sent. */
  protected unsent(_messages: number): void {}

  /** Reported with the close, or after it: once for all sends between two microtask checkpoints. */
  #addLate(messages: number, bytes: number): void {
    const late = this.#late;
    if (this.#info !== undefined && late.messages === 0) queueMicrotask(() => this.#tellUnsent());
    late.messages += messages;
    late.bytes += bytes;
  }

  /** Without a listener, one line of the log stands for all: a frame loop may continue to send. */
  #tellUnsent(): void {
    const late = this.#late;
    if (late.messages === 0) return;
    const isHeard = this.#events.has('error');
    if (isHeard || !this.#hasLoggedUnsent) this.#tell(makeError('UNSENT', { ...late, code: this.#info?.code }));
    this.#hasLoggedUnsent ||= !isHeard;
    // A message that the listener itself sends is counted, and not reported again: that would never end.
    this.#late = { messages: 0, bytes: 0 };
    this.unsent(late.messages);
  }

  /** A closed client has not drained: its waiters are about to be rejected. */
  #checkDrain(): void {
    if (this.#drain === undefined || this.state === 'closed') return;
    if (this.bufferedBytes * 2 > this.#parts.settings.outbox.highWaterBytes) return;
    this.#drain.resolve();
    this.#drain = undefined;
  }

  #isClosingOrClosed(state = this.state): boolean {
    return state === 'closing' || state === 'closed';
  }

  #attachHandler(): void {
    const { onMessage } = this.#parts;
    this.#inbox.setHandler((message) => {
      try {
        onMessage?.(message, this);
      } catch (error) {
        this.handlerFailed(error, 'onMessage');
      }
      this.#events.emit('message', message);
    });
  }

  /** For functions of the application: reported as an `error` event; without a listener, or if that listener failed, in the platform's log. */
  handlerFailed(cause: unknown, handler: string): void {
    const error = makeError('HANDLER_FAILED', { handler }, cause);
    if (handler === 'error') this.report(error);
    else this.#tell(error);
  }

  /** For an error that no state, close record or rejection reports as well: without a listener it goes to the platform's log. */
  #tell(error: WebsocketError): void {
    if (this.#events.has('error')) this.#events.emit('error', error);
    else this.report(error);
  }

  /** Of a client whose first attempt is not awaited. */
  #isFirstFailure(): boolean {
    const isFirst = this.#reportsFirstFailure === true && !this.#hasOpened;
    this.#reportsFirstFailure = false;
    return isFirst;
  }

  readonly #abort = (): void => {
    this.#opening.reject(makeError('ABORTED', {}, this.#parts.signal?.reason));
    // At once: an aborted attempt is not to be retried.
    this.#connection.close(1000, 'aborted', true);
  };

  /** Without a listener, an error reports them, except those that UNSENT reports. */
  #handBack(messages: readonly Message[], unsentMessages: number): void {
    if (messages.length === 0) return;
    if (this.#events.has('undelivered')) this.#events.emit('undelivered', messages);
    else if (messages.length > unsentMessages) this.#tell(makeError('UNDELIVERED', { messages: messages.length - unsentMessages }));
  }

  #closed(info: CloseInfo, cause: WebsocketError | undefined): void {
    this.#unwatch?.();
    this.#parts.signal?.removeEventListener('abort', this.#abort);
    const { messages, bytes, undelivered } = this.#connection.channel.end();
    this.#handBack(undelivered ?? [], messages);
    this.#addLate(messages, bytes);
    this.#info = info;
    this.#tellUnsent();
    // Only if needed: an error with its stack costs as much as the rest of closing.
    if (!this.#hasOpened) this.#opening.reject(cause ?? makeError('NOT_OPEN', { state: 'closed', ...info }));
    this.#drain?.reject(makeError('NOT_OPEN', { state: 'closed' }));
    this.#closing?.resolve(info);
    this.#inbox.end(info, () => this.#events.emit('close', info));
  }
}
