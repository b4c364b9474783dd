import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MakeChannel } from '../core/channel.js';
import { Client } from '../core/client.js';
import * as CloseCode from '../core/close-code.js';
import { abnormalClose } from '../core/close-codes.js';
import { Connection } from '../core/connection.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { checkHas } from '../core/option-checks.js';
import type { AcceptedTransport } from '../core/transport.js';
import type { ClientEvents, CloseInfo, Continuity, MessageIterator, Received } from '../core/types.js';
import { nodePlatform } from '../platform/node/platform.js';
import type { ServerSettings } from './options.js';
import { RateLimiter } from './rate-limit.js';
import { targetOf } from './target.js';
import type { ServerClient, ServerClientEvents, ServerRequest } from './types.js';

/** A request for an upgrade, and the user that the application has found it to be from. */
export interface UpgradeContext {
  readonly request: IncomingMessage;
  readonly user: unknown;
}

/** The server of a client. */
export interface ClientServer {
  readonly settings: ServerSettings;
  /** The application asked this client for a message. */
  polled(): void;
  /** The connection is down and its last reader has seen the end. */
  finished(client: AcceptedClient): void;
  /** So many messages were accepted and never left. */
  unsent(messages: number): void;
  /** An error of the client's connection for which it has no listener. */
  unheard(client: AcceptedClient, error: WebsocketError): void;
  /** An error that nothing listens for on the client. */
  report(client: AcceptedClient, error: WebsocketError): void;
}

/** How the application reads a client: a frame loop finds it by polling `server.clients`, other readers hold it. */
type Reader = 'none' | 'poll' | 'holder';

/** The same client as on the other side, on a transport that is already there; and its share of the server's bounds. */
export class AcceptedClient extends Client implements ServerClient {
  readonly user: unknown;
  readonly hasSession: boolean;
  readonly #server: ClientServer;
  readonly #connection: Connection;
  readonly #limiter: RateLimiter | undefined;
  #request: ServerRequest;
  #socket: Duplex;
  #reader: Reader = 'none';
  #loggedCodes: Set<string> | undefined;

  /** @param resumeWindowMs how long the peer of a session may be disconnected; undefined for a plain client. */
  constructor({ request, user }: UpgradeContext, makeChannel: MakeChannel, resumeWindowMs: number | undefined, server: ClientServer) {
    const { client, rateLimit } = server.settings;
    const limiter = rateLimit && new RateLimiter(rateLimit, resumeWindowMs ?? 0, client.liveness?.pingMs);
    let connection: Connection | undefined;
    super({
      platform: nodePlatform,
      settings: client,
      onMessage: undefined,
      signal: undefined,
      makeConnection: (owner) => {
        const limited: MakeChannel = (context) => makeChannel(limiter?.limit(context) ?? context);
        connection = new Connection(nodePlatform, client, false, undefined, limited, owner);
        return connection;
      },
    });
    this.user = user;
    this.hasSession = resumeWindowMs !== undefined;
    this.#server = server;
    this.#connection = connection as unknown as Connection;
    this.#limiter = this.hasSession ? limiter : undefined;
    this.#request = requestOf(request);
    this.#socket = request.socket;
  }

  /** Opens, or goes on, over a transport that the peer has opened; false where the connection is over, or about to be. */
  accept(transport: AcceptedTransport): boolean {
    this.#limiter?.connected();
    const isTaken = this.#connection.accept(transport);
    if (this.state === 'idle') this.connect().catch(() => {}); // reported by `close`
    if (isTaken) this.#limiter?.watch(transport);
    return isTaken;
  }

  /** As `close`, over the present transport or not at all: the peer of a session that is away is not waited for. */
  closeForGood(code: number, reason: string): Promise<CloseInfo> {
    this.#connection.close(code, reason, true);
    return this.ending;
  }

  /** The newest one. */
  get socket(): Duplex {
    return this.#socket;
  }

  get request(): ServerRequest {
    return this.#request;
  }

  /** The client has reconnected, possibly from another address. */
  resuming(request: IncomingMessage): void {
    this.#request = requestOf(request);
    this.#socket = request.socket;
  }

  /** A message to many, which nothing changes any more: it is not copied. */
  sendToAll(message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    this.send(message, bytes, 'reliable');
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

  /** Without a closing handshake; the `close` event follows. */
  drop(): void {
    this.#connection.terminate(abnormalClose(''), undefined);
  }

  /**
   * Whether the frame loop that looks through `server.clients` should find this client there once more, now that it is
   * not open: it has been polled, or it has had no reader yet and the loop, or its first poll, may be about to come.
   */
  awaitsPoll(serverIsPolled: boolean): boolean {
    if (this.#reader === 'none') return serverIsPolled || this.stats.messagesReceived > 0;
    return this.#reader === 'poll';
  }

  /** What the listener throws is reported under the name by which it was added. */
  #guarded(event: string, listener: (continuity: Continuity) => void): (argument: unknown) => void {
    return (argument) => {
      try {
        listener(argument as Continuity);
      } catch (error) {
        this.handlerFailed(error, event);
      }
    };
  }

  /** Judged by what waited before the message: one message of any size may be sent to a client that reads. */
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

function requestOf(request: IncomingMessage): ServerRequest {
  const { headers, socket } = request;
  return { url: targetOf(request).url, headers, remoteAddress: socket.remoteAddress ?? '' };
}
