import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MakeChannel } from '../core/channel.js';
import { deadline } from '../core/clock.js';
import * as CloseCode from '../core/close-codes.js';
import { checkClose } from '../core/close-codes.js';
import { Emitter, type Listeners } from '../core/emitter.js';
import { makeError } from '../core/errors.js';
import { invalid } from '../core/option-checks.js';
import { PlainChannel } from '../core/plain-channel.js';
import type { Delivery } from '../core/types.js';
import { asyncDispose } from '../core/util.js';
import { nodePlatform } from '../platform/node/platform.js';
import { ReadScheduler } from '../platform/node/read-scheduler.js';
import { NodeTransport, type Sharing } from '../platform/node/transport.js';
import { TurnEnd } from '../platform/node/turn-end.js';
import type { OwnedWebSocket } from '../platform/node/ws.js';
import { SESSION_PROTOCOL } from '../session/codec.js';
import type { Member } from '../topics/types.js';
import { AcceptQueue } from './accept-queue.js';
import { AcceptedClient, type ClientServer, type UpgradeContext } from './accepted-client.js';
import { Admission, type Occupancy } from './admission.js';
import { Broadcast, broadcastable, exceptOf } from './broadcast.js';
import { ClientSet } from './client-set.js';
import { ErrorReports, LimitedLog } from './log.js';
import { Metrics } from './metrics.js';
import { type CloseSettings, resolveCloseOptions, type ServerSettings } from './options.js';
import { type Refusal, Refusals } from './refusals.js';
import { Rooms } from './rooms.js';
import { noSessions, Sessions, type SessionsContext, type SessionsEvents } from './sessions.js';
import type { ServerPublishOptions } from './topic-options.js';
import { Topics } from './topics.js';
import type { BroadcastOptions, Room, ServerClient, ServerCloseOptions, ServerEvents, ServerHealth, WebsocketServer } from './types.js';
import { makeUpgrade, type Upgrade } from './upgrade.js';
import { Users } from './users.js';

/** The source of connections: an HTTP server of the library, or the application's. */
export interface Listener {
  readonly port: number;
  readonly isListening: boolean;
  /** Stops accepting connections. Resolves when the port is free; at once for the application's HTTP server. */
  shut(): Promise<void>;
}

const broadcastOptions = { except: undefined };

const serverEvents: Listeners<ServerEvents> = { connection: [], refused: [], error: [] };

/** Makes a client of each request for an upgrade, or refuses it, and closes the clients. */
export class UpgradeServer implements WebsocketServer {
  readonly #settings: ServerSettings;
  readonly #upgrade: Upgrade;
  readonly #metrics = new Metrics();
  readonly #log = new LimitedLog((line) => console.warn(`gemsocket: ${line}`));
  readonly #acceptQueue = new AcceptQueue();
  readonly #clientSet: ClientSet;
  readonly #events: Emitter<ServerEvents>;
  readonly #errors: ErrorReports;
  readonly #refusals: Refusals;
  readonly #admission: Admission;
  readonly #users: Users;
  readonly #broadcast = new Broadcast();
  readonly #rooms: Rooms;
  readonly #topics: Topics;
  readonly #sharing: Sharing;
  readonly #sessions: Sessions | undefined;
  readonly #clientServer: ClientServer;
  readonly #makePlainChannel: MakeChannel;
  readonly #sessionsEvents: SessionsEvents = {
    enter: (context, makeChannel, resumeWindowMs) => this.#newClient(context, makeChannel, resumeWindowMs),
    useTopics: (client, port) => this.#topics.sessionOf(client, port),
    ending: (socket) => this.#admission.ending(socket),
    hasRoom: () => this.#admission.hasRoom,
    refusedFull: (request) => this.#admission.refusedFull(request),
  };
  #listener: Listener | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
    this.#upgrade = makeUpgrade(settings);
    this.#clientServer = this.#serverOf(settings);
    this.#makePlainChannel = (context) => new PlainChannel(context, settings.client.outbox);
    this.#sharing = { scheduler: new ReadScheduler(settings.turnBudgetMs), turnEnd: new TurnEnd(), shared: this.#broadcast };
    this.#users = new Users(settings, {
      failed: (error) => this.#errors.report(error),
      failedFor: (client, error) => this.#errors.ofClient(client, error),
    });
    this.#sessions = settings.session && new Sessions(settings, settings.session, this.#sessionsContext());
    this.#clientSet = new ClientSet({
      unlisted: (client) => this.#acceptQueue.left(client),
      closing: (client) => this.#admission.ending(client.socket),
      ended: (client) => this.#rooms.leaveAll(client),
      closed: (client, info) => this.#metrics.closed(client, info),
    });
    this.#events = new Emitter(serverEvents, (error, event) => this.#errors.handlerFailed(error, event));
    this.#errors = new ErrorReports(this.#events, this.#metrics, this.#log);
    this.#rooms = new Rooms(this.#clientServer, this.#broadcast, (error, event) => this.#errors.handlerFailed(error, event));
    const keyOf = (client: ServerClient) => this.#users.keyOf(client as AcceptedClient);
    this.#topics = new Topics(settings, this.#broadcast, (error) => this.#errors.report(error), keyOf);
    this.#refusals = new Refusals(settings, this.#metrics, this.#events, this.#log);
    this.#admission = new Admission(settings, this.#refusals, this.#occupancy());
  }

  #serverOf(settings: ServerSettings): ClientServer {
    return {
      settings,
      polled: () => this.#clientSet.polled(),
      finished: (client) => this.#clientSet.finished(client),
      unsent: (messages) => this.#metrics.unsent(messages),
      unheard: (client, error) => this.#errors.ofConnection(client, error),
      report: (client, error) => this.#errors.ofClient(client, error),
    };
  }

  #occupancy(): Occupancy {
    const [clients, sessions] = [this.#clientSet, this.#sessions];
    return {
      get taken() {
        return clients.openCount + (sessions?.arriving ?? 0);
      },
      mayBeReturning: (request) => sessions?.mayBeReturning(request) === true,
    };
  }

  #sessionsContext(): SessionsContext {
    return { sharing: this.#sharing, shared: this.#broadcast, users: this.#users, events: this.#sessionsEvents };
  }

  get clients(): readonly ServerClient[] {
    return this.#clientSet.listed;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get metrics(): Readonly<Record<string, number>> {
    const gauges = {
      clients: this.#clientSet.openCount,
      ...this.#admission.metrics,
      ...(this.#sessions?.metrics ?? noSessions),
      ...this.#topics.metrics,
    };
    return this.#metrics.read(gauges, this.#clientSet.live);
  }

  on<E extends keyof ServerEvents>(event: E, listener: ServerEvents[E]): () => void {
    return this.#events.on(event, listener);
  }

  broadcast(message: string | ArrayBuffer | ArrayBufferView, delivery: Delivery = 'reliable', options: BroadcastOptions = {}): void {
    const except = exceptOf(options, broadcastOptions);
    this.#broadcast.send(this.#clientSet.live, broadcastable(message), delivery, except);
  }

  room(name: string): Room {
    return this.#rooms.room(name);
  }

  get health(): ServerHealth {
    const draining = this.#closing !== undefined;
    const { isUp } = this.#topics;
    return { ready: !draining && isUp && this.#listener?.isListening === true, draining, backplane: isUp ? 'up' : 'down' };
  }

  async disconnectUser(key: string, code = CloseCode.unauthorized, reason = ''): Promise<number> {
    if (typeof key !== 'string') throw invalid('key', key);
    checkClose(code, reason);
    const clients = [...this.#clientSet.live].filter((client) => this.#users.keyOf(client) === key);
    const arriving = this.#sessions?.disconnectUser(key, code, reason) ?? 0;
    await Promise.all(clients.map((client) => client.expel(code, reason)));
    return clients.length + arriving;
  }

  publish(topic: string, message: string | ArrayBuffer | ArrayBufferView, options: ServerPublishOptions = {}): Promise<string | undefined> {
    return this.#topics.publish(topic, message, options);
  }

  revoke(topic: string, userKey: string): Promise<void> {
    return this.#topics.revoke(topic, userKey);
  }

  members(topic: string): Promise<ReadonlyMap<string, Member>> {
    return this.#topics.members(topic);
  }

  close(options: ServerCloseOptions = {}): Promise<void> {
    const settings = resolveCloseOptions(options);
    this.#closing ??= this.#close(settings);
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

  /** Starts the deadline of the socket's handshake. */
  expect(socket: Duplex): void {
    this.#admission.expect(socket);
  }

  serves(request: IncomingMessage): boolean {
    return this.#admission.serves(request);
  }

  /** Never throws: a fault of the request closes its socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#admission.admit(request, socket, (user) => this.#accept(request, socket, head, user));
  }

  /** Ends a handshake, with an answer if the socket is still writable. */
  refuse(socket: Duplex, refusal: Refusal, request?: IncomingMessage): void {
    this.#admission.refuse(socket, refusal, request);
  }

  /** The HTTP server could not accept a connection. It continues. */
  failed(cause: Error): void {
    const { code } = cause as NodeJS.ErrnoException;
    this.#errors.report(makeError('ACCEPT_FAILED', { systemCode: code }, cause));
  }

  /** The HTTP server closed a connection because it has `maxConnections`. */
  dropped(remoteAddress: string): void {
    this.#refusals.unanswered('full', remoteAddress);
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer, user: unknown): void {
    const remoteAddress = this.#admission.addressOf(socket, request);
    try {
      const ws = this.#upgrade(request, socket, head);
      if (ws === undefined) this.#refusals.refusedByWs(request, socket, remoteAddress);
      else if (ws.protocol === SESSION_PROTOCOL && this.#sessions !== undefined) this.#sessions.accept(ws, socket, { request, user });
      else this.#enterPlain(ws, socket, { request, user });
      this.#admission.makeRoom();
    } catch (cause) {
      // ws throws for a socket that another upgrade listener has already upgraded.
      socket.destroy();
      this.#refusals.unanswered('request', remoteAddress, cause);
    }
  }

  #enterPlain(ws: OwnedWebSocket, socket: Duplex, context: UpgradeContext): void {
    const { maxMessageBytes } = this.#settings.client;
    const transport = new NodeTransport(ws, { ...this.#sharing, socket, ending: this.#sessionsEvents.ending, maxMessageBytes });
    this.#newClient(context, this.#makePlainChannel).accept(transport);
  }

  #newClient(context: UpgradeContext, makeChannel: MakeChannel, resumeWindowMs?: number): AcceptedClient {
    const client = new AcceptedClient(context, makeChannel, resumeWindowMs, this.#clientServer);
    client.on('open', () => this.#welcome(client));
    client.on('reconnecting', ({ cause }) => this.#metrics.disconnected(cause));
    return client;
  }

  #welcome(client: AcceptedClient): void {
    this.#clientSet.add(client);
    this.#metrics.connected();
    this.#events.emit('connection', client);
    // A listener may have closed the client.
    if (this.#clientSet.isListed(client)) this.#acceptQueue.arrived(client);
  }

  async #close({ code, reason, graceMs }: CloseSettings): Promise<void> {
    this.#admission.close();
    this.#sessions?.close(code, reason);
    const clients = [...this.#clientSet.live];
    this.#sessions?.leave(clients, graceMs);
    const cancelDrop = deadline(nodePlatform.clock, graceMs, () => {
      for (const client of this.#clientSet.live) client.drop();
    });
    await Promise.all(clients.map((client) => client.closeForGood(code, reason)));
    await this.#topics.close();
    cancelDrop();
    await this.#listener?.shut();
    this.#admission.end();
    this.#clientSet.clear();
    this.#acceptQueue.end();
    this.#log.close();
  }
}
