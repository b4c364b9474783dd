import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { AcceptingConnection } from '../core/accepting-connection.js';
import type { MakeChannel } from '../core/channel.js';
import { Client } from '../core/client.js';
import * as CloseCode from '../core/close-codes.js';
import { abnormalClose } from '../core/close-codes.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { checkHas } from '../core/option-checks.js';
import type { AcceptedTransport } from '../core/transport.js';
import type { ClientEvents, CloseInfo, Continuity, Delivery, MessageIterator, Received } from '../core/types.js';
import { nodePlatform } from '../platform/node/platform.js';
import type { ServerSettings } from './options.js';
import { RateLimiter } from './rate-limit.js';
import { requestOf } from './request.js';
import type { ServerClient, ServerClientEvents, ServerRequest } from './types.js';

/** A request for an upgrade, and its user, as `authenticate` returned it. */
export interface UpgradeContext {
  readonly request: IncomingMessage;
  readonly user: unknown;
}

/** The server of a client. */
export interface ClientServer {
  readonly settings: ServerSettings;
  /** The application has polled this client. */
  polled(): void;
  /** The connection is closed, and its end has been read. */
  finished(client: AcceptedClient): void;
  /** So many accepted messages were never sent. */
  unsent(messages: number): void;
  /** An error of the client's connection for which it has no listener. */
  unheard(client: AcceptedClient, error: WebsocketError): void;
  /** An error for which the client has no listener. */
  report(client: AcceptedClient, error: WebsocketError): void;
}

/** How the application reads a client: a frame loop polls `server.clients`; other readers hold the client itself. */
type Reader = 'none' | 'poll' | 'holder';

/** A client over an accepted transport, with the bounds of the server. */
export class AcceptedClient extends Client implements ServerClient {
  readonly user: unknown;
  readonly hasSession: boolean;
  readonly #server: ClientServer;
  readonly #connection: AcceptingConnection;
  readonly #limiter: RateLimiter | undefined;
  #request: ServerRequest;
  #socket: Duplex;
  #reader: Reader = 'none';
  #loggedCodes: Set<string> | undefined;

  /** @param resumeWindowMs how long the peer of a session may be disconnected; undefined for a plain client. */
  constructor({ request, user }: UpgradeContext, makeChannel: MakeChannel, resumeWindowMs: number | undefined, server: ClientServer) {
    const { client, rateLimit } = server.settings;
    const limiter = rateLimit && new RateLimiter(rateLimit, resumeWindowMs ?? 0, client.liveness?.pingMs);
    let connection: AcceptingConnection | undefined;
    super({
      platform: nodePlatform,
      settings: client,
      onMessage: undefined,
      signal: undefined,
      makeConnection: (owner) => {
        const limited: MakeChannel = (context) => makeChannel(limiter?.limit(context) ?? context);
        connection = new AcceptingConnection(nodePlatform, client, false, undefined, limited, owner);
        return connection;
      },
    });
    this.user = user;
    this.hasSession = resumeWindowMs !== undefined;
    this.#server = server;
    this.#connection = connection as unknown as AcceptingConnection;
    this.#limiter = this.hasSession ? limiter : undefined;
    this.#request = requestOf(request, server.settings.trustedProxies);
    this.#socket = request.socket;
  }

  /** Opens or resumes the connection over a transport that the peer has opened. False if the connection is closing or closed. */
  accept(transport: AcceptedTransport): boolean {
    this.#limiter?.connected();
    const isTaken = this.#connection.accept(transport);
    if (this.state === 'idle') this.connect().catch(() => {}); // reported by `close`
    if (isTaken) this.#limiter?.watch(transport);
    return isTaken;
  }

  /** Like `close`, but does not wait for the peer of a session to reconnect. */
  closeForGood(code: number, reason: string): Promise<CloseInfo> {
    this.#connection.close(code, reason, true);
    return this.ending;
  }

  /** The same, and a peer that is disconnected gets the code when it asks for its session: it may not have another one. */
  expel(code: number, reason: string): Promise<CloseInfo> {
    if (this.state === 'reconnecting') this.#connection.terminate({ code, reason, wasClean: false }, undefined);
    return this.closeForGood(code, reason);
  }

  /** No session moves to this process from another one. */
  get resumed(): boolean {
    return false;
  }

  /** The socket of the newest transport. */
  get socket(): Duplex {
    return this.#socket;
  }

  get request(): ServerRequest {
    return this.#request;
  }

  /** The client has reconnected, possibly from another address. */
  resuming(request: IncomingMessage): void {
    this.#request = requestOf(request, this.#server.settings.trustedProxies);
    this.#socket = request.socket;
  }

  isOf(server: ClientServer): boolean {
    return this.#server === server;
  }

  /** Whether the client is open, or its session is kept while its peer is disconnected. */
  get takesMessages(): boolean {
    const { state } = this;
    return state === 'open' || (this.hasSession && state === 'reconnecting');
  }

  /** Sends a message to many clients without a copy. Nothing changes it any more. */
  sendShared(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void {
    this.send(message, bytes, delivery);
  }

  override getMessage(): Received | undefined {
    if (this.#reader === 'none') this.#reader = 'poll';
    this.#server.polled();
    return super.getMessage();
  }

  override on<E extends keyof ServerClientEvents>(event: E, listener: ServerClientEvents[E]): () => void {
    if (event === 'away' || event === 'back') checkHas('listener', listener, 'call');
    if (event === 'away') return super.on('reconnecting', this.#guarded(event, listener as ServerClientEvents['away']));
    if (event === 'back') return super.on('reconnected', this.#guarded(event, listener as ServerClientEvents['back']));
    if (event === 'message') this.#reader = 'holder';
    return super.on(event as keyof ClientEvents, listener as ClientEvents[keyof ClientEvents]);
  }

  override [Symbol.asyncIterator](): MessageIterator {
    this.#reader = 'holder';
    return super[Symbol.asyncIterator]();
  }

  /** Whether an error with this code is the first of this client to be logged. */
  isFirstToLog(code: string): boolean {
    this.#loggedCodes ??= new Set();
    const isFirst = !this.#loggedCodes.has(code);
    this.#loggedCodes.add(code);
    return isFirst;
  }

  /** Closes without a closing handshake; the `close` event follows. */
  drop(): void {
    this.#connection.terminate(abnormalClose(''), undefined);
  }

  /**
   * Whether the client stays in `server.clients` after it has closed, for a frame loop to poll its end: it has been polled, or it has
   * no reader yet and its first poll may follow.
   */
  awaitsPoll(serverIsPolled: boolean): boolean {
    if (this.#reader === 'none') return serverIsPolled || this.stats.messagesReceived > 0;
    return this.#reader === 'poll';
  }

  /** An error of the listener is reported under the name by which it was added. */
  #guarded(event: string, listener: (continuity: Continuity) => void): (argument: unknown) => void {
    return (argument) => {
      try {
        listener(argument as Continuity);
      } catch (error) {
        this.handlerFailed(error, event);
      }
    };
  }

  /** Compares the bytes that waited before the message, so that a client that reads may be sent a message of any size. */
  protected override keepsUp(waitingBytes: number, bytes: number): boolean {
    const { maxBufferedBytes } = this.#server.settings;
    // A client that is closing has its own deadline.
    if (waitingBytes < maxBufferedBytes || (this.state !== 'open' && this.state !== 'reconnecting'))
      return super.keepsUp(waitingBytes, bytes);
    const error = makeError('TOO_SLOW', { buffered: waitingBytes, limit: maxBufferedBytes });
    this.#connection.terminate({ code: CloseCode.tryAgainLater, reason: error.code, wasClean: false }, error);
    return false;
  }

  protected override finished(): void {
    this.#server.finished(this);
  }

  protected override report(error: WebsocketError): void {
    this.#server.report(this, error);
  }

  protected override unheard(error: WebsocketError): void {
    this.#server.unheard(this, error);
  }

  protected override unsent(messages: number): void {
    this.#server.unsent(messages);
  }
}
