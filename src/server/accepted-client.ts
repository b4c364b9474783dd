import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import { Client } from '../core/client.js';
import { CloseCode } from '../core/close-codes.js';
import { WebsocketError } from '../core/errors.js';
import type { Leftover, LinkHost } from '../core/link.js';
import type { OutboxBounds } from '../core/options.js';
import { PlainLink } from '../core/plain-link.js';
import type { ClientEvents, CloseInfo, Delivery, Message, Received } from '../core/types.js';
import type { Frame } from '../platform/node/frame.js';
import { nodePlatform } from '../platform/node/platform.js';
import { type Guard, GuardedWire } from './guarded-wire.js';
import type { RateLimit, ServerSettings } from './options.js';
import { TokenBucket } from './rate-limit.js';
import type { ServerClient, ServerRequest } from './types.js';

export interface Accepted {
  readonly ws: WebSocket;
  readonly socket: Duplex;
  readonly request: IncomingMessage;
  readonly user: unknown;
}

export interface AcceptedClientHost {
  /** The application asked this client for a message. */
  polled(): void;
  /** The connection is down and its last reader has seen the end. */
  finished(client: AcceptedClient): void;
  /** So many messages were accepted and never left. */
  unsent(messages: number): void;
  /** An error that nobody listens for on the client. */
  report(error: unknown): void;
}

/** How the application reads a client: a frame loop finds it by polling `server.clients`, other readers hold it. */
type Reader = 'none' | 'poll' | 'holder';

/** The same client as on the other side, on a wire that is already there; and its share of the server's bounds. */
export class AcceptedClient extends Client implements ServerClient {
  readonly request: ServerRequest;
  readonly user: unknown;
  readonly #wire: GuardedWire;
  readonly #host: AcceptedClientHost;
  readonly #maxBufferedBytes: number;
  #reader: Reader = 'none';

  constructor(accepted: Accepted, settings: ServerSettings, host: AcceptedClientHost) {
    const { ws, socket, request, user } = accepted;
    const wire = new GuardedWire(ws, socket, settings.rateLimit === undefined ? undefined : rateGuard(settings.rateLimit));
    super({
      platform: { ...nodePlatform, dial: wire.dial, report: (error) => host.report(error) },
      settings: settings.client,
      target: () => ACCEPTED,
      makeLink: (linkHost) => new AcceptedLink(linkHost, settings.client.outbox, host),
      retriesFirst: false,
      onMessage: undefined,
      signal: undefined,
      onFinished: (client) => host.finished(client as AcceptedClient),
    });
    this.request = { url: request.url ?? '/', headers: request.headers, remoteAddress: request.socket.remoteAddress ?? '' };
    this.user = user;
    this.#wire = wire;
    this.#host = host;
    this.#maxBufferedBytes = settings.maxBufferedBytes;
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

  /** A message to many. */
  sendFrame(frame: Frame): void {
    const buffered = this.bufferedBytes;
    this.sendEncoded(frame, frame.payloadBytes);
    this.#keepsUp(buffered);
  }

  override getMessage(): Received | undefined {
    if (this.#reader === 'none') this.#reader = 'poll';
    this.#host.polled();
    return super.getMessage();
  }

  override on<E extends keyof ClientEvents>(event: E, listener: ClientEvents[E]): () => void {
    if (event === 'message') this.#reader = 'holder';
    return super.on(event, listener);
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<Message, CloseInfo | undefined> {
    this.#reader = 'holder';
    return super[Symbol.asyncIterator]();
  }

  /** Without a closing handshake; the `close` event follows. */
  drop(): void {
    this.#wire.drop();
  }

  /**
   * Whether the frame loop that looks through `server.clients` should find this client there once more, now that it is
   * not open: it has been polled, or it has had no reader yet and the loop, or its first poll, may be about to come.
   */
  awaitsPoll(serverIsPolled: boolean): boolean {
    if (this.#reader === 'none') return serverIsPolled || this.stats.messagesReceived > 0;
    return this.#reader === 'poll';
  }

  /** Judged by what waited before the message: one message of any size may be sent to a client that reads. */
  #keepsUp(bufferedBytes: number): boolean {
    if (bufferedBytes < this.#maxBufferedBytes) return true;
    this.#wire.end(CloseCode.tryAgainLater, tooSlow(bufferedBytes, this.#maxBufferedBytes));
    return false;
  }
}

class AcceptedLink extends PlainLink {
  readonly #clientHost: AcceptedClientHost;

  constructor(host: LinkHost, bounds: OutboxBounds, clientHost: AcceptedClientHost) {
    super(host, bounds);
    this.#clientHost = clientHost;
  }

  override end(): Leftover {
    const leftover = super.end();
    this.#clientHost.unsent(leftover.messages);
    return leftover;
  }
}

/** Nothing is ever dialled for an accepted client; its connection wants an address all the same. */
const ACCEPTED = new URL('ws://accepted.invalid');

function rateGuard(limit: RateLimit): Guard {
  const bucket = new TokenBucket(limit, () => performance.now());
  return () => (bucket.take() ? undefined : { code: CloseCode.policyViolation, error: rateLimited(limit) });
}

function rateLimited(limit: RateLimit): WebsocketError {
  return new WebsocketError(
    'RATE_LIMITED',
    `The client sent more than ${limit.messagesPerSecond} messages a second, beyond a burst of ${limit.burst}, and was closed with 1008. Raise rateLimit if that is wanted.`,
    { ...limit },
  );
}

function tooSlow(buffered: number, limit: number): WebsocketError {
  return new WebsocketError(
    'TOO_SLOW',
    `The client reads too slowly: ${buffered} bytes waited for it, and it was closed with 1013. Await drained() when a send returns false, send less to it, or raise maxBufferedBytes.`,
    { buffered, limit },
  );
}
