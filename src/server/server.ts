import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import type { MakeChannel } from '../core/channel.js';
import { deadline } from '../core/clock.js';
import * as CloseCode from '../core/close-code.js';
import { checkClose } from '../core/close-codes.js';
import { asyncDispose } from '../core/dispose.js';
import { Emitter, type Listeners } from '../core/emitter.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { checkNames, checkObject, milliseconds } from '../core/option-checks.js';
import { PlainChannel } from '../core/plain-channel.js';
import { nodePlatform } from '../platform/node/platform.js';
import { ReadScheduler } from '../platform/node/read-scheduler.js';
import { NodeTransport } from '../platform/node/transport.js';
import { SESSION_PROTOCOL } from '../session/limits.js';
import { AcceptQueue } from './accept-queue.js';
import { AcceptedClient, type ClientServer, type UpgradeContext } from './accepted-client.js';
import { broadcast } from './broadcast.js';
import { ClientSet } from './client-set.js';
import { ClosingSockets } from './closing-sockets.js';
import { Deadlines } from './deadlines.js';
import { authenticate, checkHandshake, checkRequest, isClosing, servesPath, tookTooLong, wrongPath } from './handshake-checks.js';
import { LimitedLog } from './limited-log.js';
import { Metrics } from './metrics.js';
import { type ServerSettings, serverDefaults } from './options.js';
import { ignore, type Refusal } from './refusal.js';
import { addressOf, Refusals } from './refusals.js';
import { noSessions, Sessions, type SessionsEvents } from './sessions.js';
import type { ServerClient, ServerCloseOptions, ServerEvents, WebsocketServer } from './types.js';
import { makeUpgrade, type Upgrade } from './upgrade.js';

/** Where connections come from: an HTTP server of our own, or the application's. */
export interface Listener {
  readonly port: number;
  /** No more connections; resolves when the port is free, or at once where it is the application's. */
  shut(): Promise<void>;
}

const BOUNDS: readonly string[] = ['MESSAGE_TOO_BIG', 'RATE_LIMITED'];

/** A line names the client, so one is not enough; an attack must not fill the log, so there are not many. */
const CLIENTS_PER_MINUTE = 10;

const serverEvents: Listeners<ServerEvents> = { connection: [], refused: [], error: [] };

/** The one implementation of WebsocketServer: from a request for an upgrade to a client, and to the end of it. */
export class UpgradeServer implements WebsocketServer {
  readonly #settings: ServerSettings;
  readonly #upgrade: Upgrade;
  readonly #deadlines: Deadlines;
  readonly #metrics = new Metrics();
  readonly #log = new LimitedLog((line) => console.warn(`gemsocket: ${line}`));
  readonly #acceptQueue = new AcceptQueue();
  readonly #clientSet: ClientSet;
  readonly #events: Emitter<ServerEvents>;
  readonly #refusals: Refusals;
  /** Handshakes under way; each may still become a client. */
  readonly #pending = new Set<Duplex>();
  readonly #closingSockets = new ClosingSockets();
  readonly #scheduler: ReadScheduler;
  readonly #sessions: Sessions | undefined;
  readonly #clientServer: ClientServer;
  readonly #makePlainChannel: MakeChannel;
  readonly #sessionsEvents: SessionsEvents = {
    enter: (context, makeChannel, resumeWindowMs) => this.#newClient(context, makeChannel, resumeWindowMs),
    report: (error) => this.#tell(error),
    ending: (socket) => this.#closingSockets.add(socket),
    hasRoom: () => this.#taken < this.#settings.maxClients,
    refusedFull: (request) => this.#refusals.unanswered('full', addressOf(request.socket), undefined, request),
  };
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#upgrade = makeUpgrade(settings);
    this.#clientServer = this.#serverOf(settings);
    this.#makePlainChannel = (context) => new PlainChannel(context, settings.client.outbox);
    this.#scheduler = new ReadScheduler(settings.turnBudgetMs);
    this.#sessions =
      settings.session === undefined ? undefined : new Sessions(settings, settings.session, this.#scheduler, this.#sessionsEvents);
    this.#deadlines = new Deadlines(settings.handshakeTimeoutMs, (socket) => this.refuse(socket, tookTooLong));
    this.#clientSet = new ClientSet((client) => this.#acceptQueue.left(client));
    this.#events = new Emitter(serverEvents, (error, event) => this.#handlerFailed(error, event));
    this.#refusals = new Refusals(settings, this.#metrics, this.#events, this.#log);
  }

  #serverOf(settings: ServerSettings): ClientServer {
    return {
      settings,
      polled: () => this.#clientSet.polled(),
      finished: (client) => this.#clientSet.finished(client),
      unsent: (messages) => this.#metrics.unsent(messages),
      unheard: (client, error) => this.#unheard(client, error),
      report: (client, error) => this.#reported(client, error),
    };
  }

  get clients(): readonly ServerClient[] {
    return this.#clientSet.listed;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get metrics(): Readonly<Record<string, number>> {
    const { count: closingSockets, dropped: closingDropped } = this.#closingSockets;
    const gauges = { clients: this.#clientSet.openCount, closingSockets, closingDropped, ...(this.#sessions?.metrics ?? noSessions) };
    return this.#metrics.read(gauges, this.#clientSet.live);
  }

  on<E extends keyof ServerEvents>(event: E, listener: ServerEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  broadcast(message: string | ArrayBuffer | ArrayBufferView): void {
    broadcast(this.#clientSet.live, message);
  }

  close(options: ServerCloseOptions = {}): Promise<void> {
    checkObject('options', options);
    const { code = CloseCode.goingAway, reason = '', graceMs = serverDefaults.graceMs } = options;
    checkNames(options, { code, reason, graceMs });
    checkClose(code, reason);
    const dropAfterMs = graceMs === 0 ? 0 : milliseconds('graceMs', graceMs, serverDefaults.graceMs);
    this.#closing ??= this.#close(code, reason, dropAfterMs);
    return this.#closing;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ServerClient, undefined> {
    return this.#acceptQueue.iterate();
  }

  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  opened(listener: Listener): void {
    this.#listener = listener;
  }

  /** A socket whose request is still to come, or is there: its time runs. */
  expect(socket: Duplex): void {
    this.#deadlines.begin(socket);
  }

  serves(request: IncomingMessage): boolean {
    return servesPath(this.#settings, request);
  }

  /** A request for an upgrade. Never throws: what is wrong with it ends its own socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Until ws takes the socket over, nobody else listens; an error without a listener would end the process.
    socket.on('error', ignore);
    this.expect(socket);
    const refusal = this.#check(request);
    if (refusal !== undefined) {
      this.refuse(socket, refusal, request);
      return;
    }
    if (this.#settings.authenticate === undefined) this.#accept(request, socket, head, undefined);
    else void this.#authenticate(request, socket, head);
  }

  /** Ends a handshake, or what was to become one, with an answer where somebody is there to read it. */
  refuse(socket: Duplex, refusal: Refusal, request?: IncomingMessage): void {
    this.#pending.delete(socket);
    this.#refusals.refuse(socket, refusal, request);
  }

  /** The HTTP server could not take a connection, and goes on. */
  failed(cause: Error): void {
    const { code } = cause as NodeJS.ErrnoException;
    this.#tell(makeError('ACCEPT_FAILED', { systemCode: code }, cause));
  }

  /** A connection that was not even taken: there are too many. */
  dropped(remoteAddress: string): void {
    this.#refusals.unanswered('full', remoteAddress);
  }

  #check(request: IncomingMessage): Refusal | undefined {
    if (this.#closing !== undefined) return isClosing;
    if (!this.serves(request)) return wrongPath;
    const hasRoom = this.#taken < this.#settings.maxClients || this.#sessions?.mayBeReturning(request) === true;
    return checkHandshake(request) ?? checkRequest(this.#settings, request, hasRoom);
  }

  /** Places taken, by those included who are still to say who they are. */
  get #taken(): number {
    return this.#clientSet.openCount + this.#pending.size + (this.#sessions?.arriving ?? 0);
  }

  async #authenticate(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#pending.add(socket);
    const remoteAddress = addressOf(socket);
    const gone = () => {
      if (this.#pending.delete(socket)) this.#refusals.unanswered('gone', remoteAddress);
    };
    socket.once('close', gone);
    const answer = await authenticate(this.#settings, request);
    socket.off('close', gone);
    // The client went away, its deadline passed or the server closed while the application thought.
    if (!this.#pending.delete(socket)) return;
    if ('status' in answer) this.refuse(socket, answer, request);
    else this.#accept(request, socket, head, answer.user);
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer, user: unknown): void {
    this.#deadlines.end(socket);
    const remoteAddress = addressOf(socket);
    try {
      const ws = this.#upgrade(request, socket, head);
      if (ws === undefined) this.#refusals.refusedByWs(request, socket, remoteAddress);
      else if (ws.protocol === SESSION_PROTOCOL && this.#sessions !== undefined) this.#sessions.accept(ws, socket, { request, user });
      else this.#enterPlain(ws, socket, { request, user });
      this.#makeRoom();
    } catch (cause) {
      // ws refuses a socket that another upgrade listener has taken already.
      socket.destroy();
      this.#refusals.unanswered('request', remoteAddress, cause);
    }
  }

  #enterPlain(ws: WebSocket, socket: Duplex, context: UpgradeContext): void {
    const { maxMessageBytes } = this.#settings.client;
    const ending = () => this.#closingSockets.add(socket);
    const transport = new NodeTransport(ws, { socket, scheduler: this.#scheduler, ending, maxMessageBytes });
    this.#newClient(context, this.#makePlainChannel).accept(transport);
  }

  /** Sockets that are being closed stay as long as their places are not needed, and `maxClosing` of them in any case. */
  #makeRoom(): void {
    const { maxClients, maxClosing } = this.#settings;
    this.#closingSockets.limitTo(Math.max(maxClosing, maxClients - this.#taken));
  }

  #newClient(context: UpgradeContext, makeChannel: MakeChannel, resumeWindowMs?: number): AcceptedClient {
    const client = new AcceptedClient(context, makeChannel, resumeWindowMs, this.#clientServer);
    client.on('open', () => this.#welcome(client));
    client.on('reconnecting', ({ cause }) => this.#metrics.broke(cause));
    return client;
  }

  /**
   * Clients leave with messages on their way all the time: that is counted, and not logged. Any other error is logged once for each
   * client and code, and then counted: a peer may cause any number of them.
   */
  #reported(client: AcceptedClient, error: WebsocketError): void {
    if (error.code === 'UNSENT') return;
    if (this.#events.has('error') || client.isFirstToLog(error.code)) this.#tell(error);
    else this.#metrics.notLogged();
  }

  /** A client that was closed over a bound which an operator can raise: one line for each client, and a bound of lines. */
  #unheard({ id, request }: AcceptedClient, { code, message }: WebsocketError): void {
    if (!BOUNDS.includes(code)) return;
    this.#log.note(`clients closed (${code})`, CLIENTS_PER_MINUTE, () => `client ${id} (${request.remoteAddress}): ${message}`);
  }

  #welcome(client: AcceptedClient): void {
    client.on('state', (now) => {
      if (now === 'closing') this.#closingSockets.add(client.socket);
    });
    client.on('close', (info) => this.#metrics.closed(client, info));
    this.#clientSet.add(client);
    this.#metrics.connected();
    this.#events.emit('connection', client);
    // A listener may have closed it.
    if (this.#clientSet.isListed(client)) this.#acceptQueue.arrived(client);
  }

  async #close(code: number, reason: string, dropAfterMs: number): Promise<void> {
    for (const socket of this.#pending) this.refuse(socket, isClosing);
    this.#sessions?.close(code, reason);
    const clients = [...this.#clientSet.live];
    this.#sessions?.leave(clients, dropAfterMs);
    const cancelDrop = deadline(nodePlatform.clock, dropAfterMs, () => {
      for (const client of this.#clientSet.live) client.drop();
    });
    await Promise.all(clients.map((client) => client.closeForGood(code, reason)));
    cancelDrop();
    await this.#listener?.shut();
    this.#closingSockets.limitTo(0);
    this.#clientSet.clear();
    this.#acceptQueue.end();
    this.#log.close();
  }

  #handlerFailed(cause: unknown, handler: string): void {
    const error = makeError('HANDLER_FAILED', { handler }, cause);
    if (handler === 'error') nodePlatform.report(error);
    else this.#tell(error);
  }

  #tell(error: WebsocketError): void {
    if (this.#events.has('error')) this.#events.emit('error', error);
    else nodePlatform.report(error);
  }
}
