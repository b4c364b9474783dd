import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MakeChannel } from '../core/channel.js';
import { Client } from '../core/client.js';
import { abnormalClose, CloseCode } from '../core/close-codes.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { checkHas } from '../core/option-checks.js';
import type { Settings } from '../core/options.js';
import type { Dial } from '../core/transport.js';
import type { ClientEvents, Continuity, Delivery, MessageIterator, Received } from '../core/types.js';
import { nodePlatform } from '../platform/node/platform.js';
import type { ServerSettings } from './options.js';
import { RateLimiter } from './rate-limit.js';
import { targetOf } from './target.js';
import type { ServerClient, ServerClientEvents, ServerRequest } from './types.js';

/** Who asks to come in, and who the application says that is. */
export interface UpgradeContext {
  readonly request: IncomingMessage;
  readonly user: unknown;
}

/** What carries an accepted client: a plain WebSocket, or a session over one after another. */
export interface AcceptedTransport {
  /** Returns the transport that is there. */
  readonly dial: Dial;
  readonly makeChannel: MakeChannel;
  /** How long the peer of a session may be away; undefined where the end of the transport is the end. */
  readonly resumeWindowMs: number | undefined;
}

export interface AcceptedClientEvents {
  /** The application asked this client for a message. */
  polled(): void;
  /** The connection is down and its last reader has seen the end. */
  finished(client: AcceptedClient): void;
  /** So many messages were accepted and never left. */
  unsent(messages: number): void;
  /** An error of the client's connection for which it has no listener. */
  unheard(client: AcceptedClient, error: WebsocketError): void;
  /** An error that nobody listens for on the client. */
  report(client: AcceptedClient, error: WebsocketError): void;
}

/** How the application reads a client: a frame loop finds it by polling `server.clients`, other readers hold it. */
type Reader = 'none' | 'poll' | 'holder';

/** The same client as on the other side, on a transport that is already there; and its share of the server's bounds. */
export class AcceptedClient extends Client implements ServerClient {
  readonly user: unknown;
  readonly hasSession: boolean;
  readonly #events: AcceptedClientEvents;
  readonly #maxBufferedBytes: number;
  #request: ServerRequest;
  #socket: Duplex;
  #reader: Reader = 'none';
  #loggedCodes: Set<string> | undefined;

  constructor({ request, user }: UpgradeContext, accepted: AcceptedTransport, settings: ServerSettings, events: AcceptedClientEvents) {
    const { resumeWindowMs } = accepted;
    const { dial, makeChannel } = withRateLimit(accepted, settings);
    super({
      platform: { ...nodePlatform, dial, report: (error) => events.report(this, error as WebsocketError) },
      settings: clientSettings(settings.client, resumeWindowMs),
      target: () => ACCEPTED,
      makeChannel,
      retryFirstAttempt: false,
      onMessage: undefined,
      signal: undefined,
      onFinished: (client) => events.finished(client as AcceptedClient),
      onUnheard: (error) => events.unheard(this, error),
      onUnsent: (messages) => events.unsent(messages),
    });
    this.user = user;
    this.hasSession = resumeWindowMs !== undefined;
    this.#events = events;
    this.#maxBufferedBytes = settings.maxBufferedBytes;
    this.#request = requestOf(request);
    this.#socket = request.socket;
  }

  /** The newest one. */
  get socket(): Duplex {
    return this.#socket;
  }

  get request(): ServerRequest {
    return this.#request;
  }

  /** The client comes back: from another address, perhaps. */
  resuming(request: IncomingMessage): void {
    this.#request = requestOf(request);
    this.#socket = request.socket;
  }

  override sendMessage(text: string, delivery?: Delivery): boolean {
    const buffered = this.bufferedBytes;
    const hasRoom = super.sendMessage(text, delivery);
    return this.#keepsUp(buffered) && hasRoom;
  }

  override sendMessageBinary(bytes: ArrayBuffer | ArrayBufferView, delivery?: Delivery): boolean {
    const buffered = this.bufferedBytes;
    const hasRoom = super.sendMessageBinary(bytes, delivery);
    return this.#keepsUp(buffered) && hasRoom;
  }

  /** A message to many, which nobody changes any more. */
  sendToAll(message: string | Uint8Array<ArrayBuffer>, bytes: number): void {
    const buffered = this.bufferedBytes;
    this.sendShared(message, bytes);
    this.#keepsUp(buffered);
  }

  override getMessage(): Received | undefined {
    if (this.#reader === 'none') this.#reader = 'poll';
    this.#events.polled();
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
    this.terminate(abnormalClose(''));
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
  #keepsUp(bufferedBytes: number): boolean {
    // A client that is closing has not been sent anything more, and has its own deadline.
    if (bufferedBytes < this.#maxBufferedBytes || this.state === 'closing') return true;
    const error = makeError('TOO_SLOW', { buffered: bufferedBytes, limit: this.#maxBufferedBytes });
    this.terminate({ code: CloseCode.tryAgainLater, reason: error.code, wasClean: false }, error);
    return false;
  }
}

/** Nothing is ever dialled for an accepted client; its connection wants an address all the same. */
const ACCEPTED = new URL('ws://accepted.invalid');

function clientSettings(settings: Settings, resumeWindowMs: number | undefined): Settings {
  return resumeWindowMs === undefined ? settings : { ...settings, resumeWindowMs };
}

function withRateLimit(
  { dial, makeChannel, resumeWindowMs }: AcceptedTransport,
  { rateLimit, client }: ServerSettings,
): Pick<AcceptedTransport, 'dial' | 'makeChannel'> {
  if (rateLimit === undefined) return { dial, makeChannel };
  const limiter = new RateLimiter(rateLimit, resumeWindowMs ?? 0, client.liveness?.pingMs);
  return { dial: resumeWindowMs === undefined ? dial : limiter.watch(dial), makeChannel: (events) => makeChannel(limiter.limit(events)) };
}

function requestOf(request: IncomingMessage): ServerRequest {
  const { headers, socket } = request;
  return { url: targetOf(request).url, headers, remoteAddress: socket.remoteAddress ?? '' };
}
