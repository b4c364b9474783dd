import { Client } from '../core/client.js';
import type { ClientParts } from '../core/client-parts.js';
import { checkClose } from '../core/close-codes.js';
import { Emitter } from '../core/emitter.js';
import { makeError } from '../core/errors.js';
import { checkObject } from '../core/option-checks.js';
import type { ClientOptions } from '../core/options.js';
import {
  type Address,
  type ClientEvents,
  type CloseInfo,
  clientEvents,
  type IWebsocketClient,
  type OnMessage,
  type Received,
  type WebsocketType,
} from '../core/types.js';
import { asyncDispose } from '../core/util.js';

/** Makes the parts of a client; `isOnBus` is true. */
export type MakeParts = (address: Address, type: WebsocketType, options: ClientOptions, isOnBus: boolean) => ClientParts;

type BusEvents = {
  [E in keyof ClientEvents]: (client: IWebsocketClient, ...args: Parameters<ClientEvents[E]>) => void;
};

/**
 * How many clients whose connection ended by itself can still be addressed by their id. Far more than a program loses at once; a
 * closed client takes about 2 kB.
 */
const MAX_ENDED = 4_096;

/**
 * Many connections, addressed by the client or its id from anywhere in the program. A call costs one look-up over
 * the direct call. A client leaves `clients` when it is closed and its end has been read (or it had a handler).
 */
export class RequestBus implements AsyncDisposable {
  readonly #clients = new Map<string, IWebsocketClient>();
  /** Clients that are no longer on the bus without a `close()` of their owner: a send to one of these ids is not the sender's mistake. */
  readonly #ended = new Map<string, IWebsocketClient>();
  /**
   * By event and client id: the function that removes the bus's listener. The bus listens to a client only while it has a listener
   * itself: a `message` listener takes the messages from polls, and an `error` listener the errors from the log.
   */
  readonly #forwarded = new Map<keyof ClientEvents, Map<string, () => void>>();
  readonly #events: Emitter<BusEvents>;
  readonly #makeParts: MakeParts;

  constructor(makeParts: MakeParts, report: (error: unknown) => void) {
    this.#makeParts = makeParts;
    this.#events = new Emitter(clientEvents, (cause, event) => report(makeError('HANDLER_FAILED', { handler: event }, cause)));
  }

  /** By id, the clients that are not closed, or whose end has not been read yet. */
  get clients(): ReadonlyMap<string, IWebsocketClient> {
    return this.#clients;
  }

  /**
   * Starts connecting at once and returns the connection's unique instance. Messages sent before it opens wait. A
   * failed first attempt is retried as `options.reconnect` says, and reported by events.
   *
   * @param onMessage called with every message. Without it, messages wait for `getMessage()`.
   * @param type `'secure'` by default, so that nothing is sent unencrypted by mistake; `'insecure'` dials ws.
   * @throws {WebsocketError} `INVALID_ADDRESS`, `INSECURE_ADDRESS`, `INVALID_OPTION`, `UNSUPPORTED`, at the call.
   */
  createClient(address: Address, onMessage?: OnMessage, type: WebsocketType = 'secure', options: ClientOptions = {}): IWebsocketClient {
    checkObject('options', options);
    const complete = { ...options, onMessage: onMessage ?? options.onMessage };
    const client = new Client({
      ...this.#makeParts(address, type, complete, true),
      onFinished: (finished, isOwn) => this.#forget(finished, isOwn),
    });
    this.#clients.set(client.id, client);
    for (const event of this.#forwarded.keys()) this.#forward(event, client);
    client.connect().catch(() => {}); // reported by `error` and `close`
    return client;
  }

  /** False also for an id that is not, or no longer, on the bus. */
  isConnectionOpen(client: IWebsocketClient | string): boolean {
    return this.#find(client)?.isConnectionOpen() ?? false;
  }

  /**
   * As `sendMessage` of the client. Returns false, too, for the id of a client that is no longer on the bus because its connection
   * ended by itself.
   *
   * @throws {WebsocketError} `UNKNOWN_CLIENT`, and all that it throws.
   */
  sendWebsocketMessage(client: IWebsocketClient | string, text: string): boolean {
    return this.#get(client).sendMessage(text);
  }

  /** As `sendWebsocketMessage`, for bytes. @throws {WebsocketError} `UNKNOWN_CLIENT`, and all that `sendMessageBinary` throws. */
  sendWebsocketMessageBinary(client: IWebsocketClient | string, bytes: ArrayBuffer | ArrayBufferView): boolean {
    return this.#get(client).sendMessageBinary(bytes);
  }

  /** Never waits. Returns undefined, too, for an id that is no longer on the bus, so that a frame loop may continue to poll. */
  getMessage(client: IWebsocketClient | string): Received | undefined {
    return this.#find(client)?.getMessage();
  }

  /** As `close` of the client; safe to call twice with the client. @throws {WebsocketError} `UNKNOWN_CLIENT`, `INVALID_CLOSE`. */
  closeWebsocket(client: IWebsocketClient | string, code?: number, reason?: string): Promise<CloseInfo> {
    return this.#get(client).close(code, reason);
  }

  /**
   * The events of all clients, with the client in front. A listener of `message` is a handler of every client:
   * while there is one, polling finds nothing.
   *
   * @returns a function that removes the listener.
   */
  on<E extends keyof ClientEvents>(event: E, listener: BusEvents[E]): () => void {
    const off = this.#events.on(event, listener);
    if (!this.#forwarded.has(event)) {
      this.#forwarded.set(event, new Map());
      for (const client of this.#clients.values()) this.#forward(event, client);
    }
    return () => {
      off();
      if (!this.#events.has(event)) this.#stopForwarding(event);
    };
  }

  /**
   * As `close` of every client. Resolves when all are closed.
   *
   * @throws {WebsocketError} (rejects) `INVALID_CLOSE`.
   */
  async closeAll(code = 1000, reason = ''): Promise<void> {
    checkClose(code, reason);
    await Promise.all([...this.#clients.values()].map((client) => client.close(code, reason)));
  }

  async [asyncDispose](): Promise<void> {
    await this.closeAll();
  }

  #forget(client: IWebsocketClient, isOwn: boolean): void {
    this.#clients.delete(client.id);
    if (!isOwn) this.#ended.set(client.id, client);
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > MAX_ENDED) this.#ended.delete(oldest);
    for (const offs of this.#forwarded.values()) offs.delete(client.id);
  }

  #forward(event: keyof ClientEvents, client: IWebsocketClient): void {
    const off = client.on(event, (...args: unknown[]) => this.#events.emit(event, client, ...(args as never)));
    this.#forwarded.get(event)?.set(client.id, off);
  }

  #stopForwarding(event: keyof ClientEvents): void {
    for (const off of this.#forwarded.get(event)?.values() ?? []) off();
    this.#forwarded.delete(event);
  }

  #find(client: IWebsocketClient | string): IWebsocketClient | undefined {
    if (typeof client === 'string') return this.#clients.get(client);
    return typeof client?.sendMessageBinary === 'function' ? client : undefined;
  }

  #get(client: IWebsocketClient | string): IWebsocketClient {
    const found = this.#find(client) ?? this.#ended.get(client as string);
    if (found !== undefined) return found;
    throw makeError('UNKNOWN_CLIENT', { id: client });
  }
}
