import { attach } from 'gemsocket/server';
import { ARENA } from '../shared/arena.js';
import { ArenaService } from './arena-service.js';
import { clock, echo, goodbye } from './echo-service.js';

export const OUTAGE_MS = 10_000;

/** Players send about 30 messages of a few bytes a second; the console sends files. */
const arenaOptions = {
  maxMessageBytes: 512,
  rateLimit: { messagesPerSecond: 60, burst: 120 },
  // A player whose connection is lost keeps its gem for this long, and the others see that it is away.
  session: { resumeWindowMs: 15_000, maxDetached: 100 },
  authorize: (_client, action, topic) => topic === ARENA && action === 'presence',
};

/** The demo's WebSocket servers, on the HTTP server of the page. They can stop and start again while the page stays. */
export class Services {
  #httpServer;
  #arena;
  #servers = new Map();
  #returnsAt;
  #timer;

  /** `publish` takes a line of text for each event of the arena. */
  constructor(httpServer, publish) {
    this.#httpServer = httpServer;
    this.#arena = new ArenaService(publish);
  }

  start() {
    this.#returnsAt = undefined;
    const arenaServer = this.#open('/arena', ['arena'], arenaOptions, (client) => this.#arena.welcome(client));
    this.#open('/echo', ['echo'], { maxMessageBytes: 1024 * 1024, rateLimit: { messagesPerSecond: 200, burst: 400 } }, echo);
    this.#open('/clock', ['clock'], {}, clock);
    this.#open('/goodbye', [], {}, goodbye);
    this.#arena.start(arenaServer.room(ARENA));
  }

  /** Milliseconds until the WebSocket servers start again; 0 while they run. */
  get awayMs() {
    return this.#returnsAt === undefined ? 0 : Math.max(1, this.#returnsAt - Date.now());
  }

  serves(path) {
    return this.#servers.has(path);
  }

  /** Stops all WebSocket servers for {@link OUTAGE_MS}. A second call meanwhile has no effect. */
  async interrupt() {
    if (this.#returnsAt !== undefined) return;
    this.#returnsAt = Date.now() + OUTAGE_MS;
    this.#timer = setTimeout(() => this.start(), OUTAGE_MS);
    await this.#stop(1012, 'The demo server stops for ten seconds');
  }

  async close() {
    clearTimeout(this.#timer);
    if (this.#returnsAt === undefined) await this.#stop(1001, 'The demo server was stopped');
  }

  #open(path, protocols, options, serve) {
    const server = attach(this.#httpServer, { path, protocols, maxClients: 200, ...options });
    server.on('connection', (client) => {
      client.on('error', () => {}); // a peer's error ends only its own connection
      serve(client);
    });
    this.#servers.set(path, server);
    return server;
  }

  async #stop(code, reason) {
    this.#arena.stop();
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(servers.map((server) => server.close({ code, reason, graceMs: 1_000 })));
  }
}
