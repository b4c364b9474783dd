import { Client } from '../../../src/core/client.js';
import { type ChannelFeature, clientParts } from '../../../src/core/client-parts.js';
import { type ClientOptions, resolveOptions, type Settings } from '../../../src/core/options.js';
import type { LifecycleListener, Platform } from '../../../src/core/platform.js';
import type { AcceptedTransport, Dial } from '../../../src/core/transport.js';
import type { Message } from '../../../src/core/types.js';
import { BudgetedReader } from '../../../src/platform/node/budgeted-reader.js';
import { ReadScheduler } from '../../../src/platform/node/read-scheduler.js';
import { resolveServerSession } from '../../../src/server/session-options.js';
import { type AcceptorEvents, SessionAcceptor } from '../../../src/session/acceptor.js';
import { splitBatch } from '../../../src/session/codec.js';
import { sessionDefaults } from '../../../src/session/feature.js';
import { ClientHandshake } from '../../../src/session/handshake.js';
import { type RegistryBounds, type Secrets, SessionRegistry } from '../../../src/session/registry.js';
import type { ServerChannel, ServerChannelSettings, ServerSession } from '../../../src/session/server-session.js';
import { SessionChannel, type SessionSettings } from '../../../src/session/session-channel.js';
import { TestServerClient } from '../../support/server-client.js';
import { Cable, type CableEnd } from './cable.js';
import { FakeClock } from './fake-clock.js';

export interface WorldOptions {
  readonly client?: Partial<SessionSettings>;
  readonly server?: Partial<ServerChannelSettings>;
  readonly options?: ClientOptions;
  readonly registry?: Partial<RegistryBounds>;
  readonly mayResume?: () => boolean;
  /** The server reads its wires as Node's are read, with time for two records in each turn. */
  readonly isPaced?: boolean;
  /** false: the server's wires are a browser's, too. */
  readonly serverGathers?: boolean;
}

const settings: SessionSettings = {
  ackDelayMs: 25,
  batchDelayMs: 0,
  windowBytes: 64 * 1024,
  replayBytes: 256 * 1024,
  chunkBytes: 16 * 1024,
  transportMarkBytes: 64 * 1024,
  maxMessageBytes: 1024 * 1024,
  outbox: { highWaterBytes: 64 * 1024, maxBytes: 1024 * 1024 },
};

export const registryDefaults = resolveServerSession() as RegistryBounds;

/** Not random at all: a test must be able to name them. No two of the first thousands are the same. */
export function countingSecrets(): Secrets {
  let next = 0xa0;
  return {
    randomBytes(length) {
      const bytes = Uint8Array.from({ length }, (_, index) => (next + index) & 0xff);
      bytes[length - 1] = (bytes[length - 1] as number) ^ (next >> 8);
      next += 0x10;
      return bytes;
    },
    isEqual: (one, other) => one.every((byte, index) => byte === other[index]),
  };
}

/** A client, a server and the cables between them, in memory and on a clock that the test owns. */
export class World {
  readonly clock = new FakeClock();
  readonly cables: Cable[] = [];
  readonly serverClients: TestServerClient[] = [];
  readonly reports: unknown[] = [];
  readonly client: Client;
  /** Of the client, and of others that are to reach the same server. */
  readonly clientPlatform: Platform;
  readonly feature: ChannelFeature;
  registry: SessionRegistry<ServerSession<TestServerClient>>;
  isRefusing = false;
  readonly #options: WorldOptions;
  /** Of the world, so that no session of a new server has the ticket of an old one. */
  readonly #secrets = countingSecrets();
  readonly #turn: (() => void)[] = [];
  readonly #readTurns = new ReadScheduler(
    1,
    0,
    () => ++this.#reads,
    (call) => void this.#turn.push(call),
  );
  #reads = 0;
  readonly #channels = new Map<Client, ServerChannel>();
  clientChannel: SessionChannel | undefined;
  readonly #watchers = new Set<LifecycleListener>();
  #entered: (client: Client) => void = () => {};
  #acceptor: SessionAcceptor<TestServerClient, undefined>;
  #seed = 1;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.registry = this.#newRegistry();
    this.#acceptor = this.#newAcceptor();
    this.feature = {
      name: 'gem.1',
      options: sessionDefaults,
      makeChannel: (resolved, platform) => (context) => {
        this.clientChannel = new SessionChannel(
          context,
          new ClientHandshake(resolved.protocols),
          { ...settings, outbox: resolved.outbox, ...options.client },
          platform,
        );
        return this.clientChannel;
      },
    };
    this.clientPlatform = {
      ...this.#platform((request, events) => {
        const cable = new Cable(request.protocols[0] ?? '', this.#options.client?.transportMarkBytes);
        this.cables.push(cable);
        cable.client.events = events;
        // The server is Node, the client a browser: it sends the same at other times.
        cable.server.flush = this.#options.serverGathers === false ? undefined : () => {};
        if (this.isRefusing) this.#turn.push(() => cable.client.lose());
        else
          this.#turn.push(() => {
            if (cable.isCut || cable.client.isOver) return;
            this.#accept(cable);
            events.opened();
          });
        return cable.client;
      }),
      lifecycle: this.#lifecycle(),
    };
    this.client = new Client(clientParts(this.clientPlatform, 'ws://test', 'insecure', { session: this.feature, ...options.options }));
    this.client.on('error', (error) => this.reports.push(error));
  }

  get cable(): Cable {
    return this.cables[this.cables.length - 1] as Cable;
  }

  /** The server's end of the newest session. */
  get serverClient(): TestServerClient {
    return this.serverClients[this.serverClients.length - 1] as TestServerClient;
  }

  /** Tells of every session's end at the server, those that are there already too. */
  onServerClient(entered: (client: Client) => void): void {
    for (const client of this.serverClients) entered(client);
    this.#entered = entered;
  }

  /** Connects, and runs until both ends are open. */
  open(): this {
    this.client.connect().catch(() => {});
    this.settle();
    return this;
  }

  /** Ends the turn of the event loop. */
  endTurn(): void {
    for (const call of this.#turn.splice(0)) call();
  }

  /** Delivers and ends turns until nothing moves without time passing. */
  settle(): void {
    while (this.move());
  }

  /** Ends the turn and delivers a frame of each cable; false when there was nothing. */
  move(): boolean {
    let hasMoved = this.#turn.length > 0;
    this.endTurn();
    for (const cable of this.cables) hasMoved = cable.deliver('client') || cable.deliver('server') || hasMoved;
    return hasMoved;
  }

  /** The page of the client is shown again. */
  wake(): void {
    for (const watcher of this.#watchers) watcher.woken();
  }

  /** The page of the client is put away, perhaps for good. */
  suspend(isForGood = false): void {
    for (const watcher of this.#watchers) watcher.suspended(isForGood);
  }

  /** The process of the client ends. */
  exit(): void {
    for (const watcher of this.#watchers) watcher.exiting();
  }

  /** The server's end of the link, for what only a server asks of it. */
  channelOf(client: Client): ServerChannel {
    return this.#channels.get(client) as ServerChannel;
  }

  /** A wire that nobody has led to a session yet. */
  knock(): CableEnd {
    const cable = new Cable('gem.1');
    this.cables.push(cable);
    this.#accept(cable);
    return cable.server;
  }

  pass(ms: number): void {
    this.settle();
    this.clock.pass(ms, () => this.settle());
    this.settle();
  }

  /** Cuts the newest cable, and tells both ends. */
  cut(): void {
    const { cable } = this;
    cable.isCut = true;
    cable.client.lose();
    cable.server.lose();
  }

  /** The server forgets everything. */
  restartServer(): void {
    for (const cable of this.cables) {
      cable.isCut = true;
      cable.server.events = undefined;
    }
    this.registry = this.#newRegistry();
    this.#acceptor = this.#newAcceptor();
    this.cable?.client.lose();
  }

  /** The process that dialled these dies: no socket of it says goodbye. */
  kill(cables: readonly Cable[]): void {
    for (const cable of cables) {
      cable.isCut = true;
      cable.client.events = undefined;
      cable.client.isOver = true;
      cable.server.lose();
    }
  }

  #accept(cable: Cable): void {
    const transport = cable.server as CableEnd & AcceptedTransport;
    this.#acceptor.accept(this.#options.isPaced === true ? this.#paced(transport) : transport, undefined);
  }

  /** The owner's events are called as the reader allows, whoever the owner is. */
  #paced(end: CableEnd & AcceptedTransport): AcceptedTransport {
    const reader = new BudgetedReader(this.#readTurns, (batch) => splitBatch(batch, 2), {
      received: (message, bytes) => paced.events.received(message, bytes),
      pauseSocket() {},
      resumeSocket() {},
    });
    const detach = end.detach.bind(end);
    end.detach = (code, reason) => {
      reader.stop();
      detach(code, reason);
    };
    const paced: AcceptedTransport = {
      events: end.events,
      get protocol() {
        return end.protocol;
      },
      get bufferedBytes() {
        return end.bufferedBytes;
      },
      flush: end.flush,
      send: (message) => end.send(message),
      close: (code, reason) => end.close(code, reason),
      detach: (code, reason) => end.detach(code, reason),
    };
    end.events = {
      opened() {},
      alive() {},
      pong() {},
      drained: () => paced.events.drained(),
      received: (message, bytes) => reader.received(message, bytes),
      closed: (info) => reader.closed(() => paced.events.closed(info)),
    };
    return paced;
  }

  #newRegistry(): SessionRegistry<ServerSession<TestServerClient>> {
    return new SessionRegistry(this.#secrets, this.clock, { ...registryDefaults, ...this.#options.registry });
  }

  #newAcceptor(): SessionAcceptor<TestServerClient, undefined> {
    const { resumeWindowMs } = { ...registryDefaults, ...this.#options.registry };
    const { liveness = {}, closeTimeoutMs = 5_000 } = this.#options.options ?? {};
    const serverSettings: Settings = resolveOptions({ liveness, closeTimeoutMs });
    const session = { ...settings, ...this.#options.server };
    const events: AcceptorEvents<TestServerClient, undefined> = {
      enter: (makeChannel) => {
        let channel: ServerChannel | undefined;
        const client = new TestServerClient(this.#platform(), serverSettings, (context) => {
          channel = makeChannel(context) as ServerChannel;
          return channel;
        });
        client.on('error', (error) => this.reports.push(error));
        this.serverClients.push(client);
        this.#channels.set(client, channel as unknown as ServerChannel);
        this.#entered(client);
        return client;
      },
      mayResume: this.#options.mayResume ?? (() => true),
      choose: (protocols) => (protocols.includes('chat') ? 'chat' : ''),
    };
    return new SessionAcceptor(this.#platform(), this.registry, { session, resumeWindowMs, handshakeTimeoutMs: 10_000 }, events);
  }

  #platform(dial: Dial = unreachable): Platform {
    return {
      name: 'test',
      dial,
      clock: this.clock,
      random: () => this.#random(),
      lifecycle: { watch: () => () => {} },
      makeEndOfTurn: () => (call) => void this.#turn.push(call),
      report: (error) => this.reports.push(error),
      acceptsNodeOptions: false,
    };
  }

  #lifecycle(): Platform['lifecycle'] {
    return {
      watch: (listener) => {
        this.#watchers.add(listener);
        return () => this.#watchers.delete(listener);
      },
    };
  }

  #random(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}

/** Everything that can be read now. */
export function readAll(client: Client, max = Number.POSITIVE_INFINITY): Message[] {
  const messages: Message[] = [];
  while (messages.length < max) {
    const received = client.getMessage();
    if (received === undefined || !('message' in received)) break;
    messages.push(received.message);
  }
  return messages;
}

function unreachable(): never {
  throw new Error('Nothing is dialled here.');
}
