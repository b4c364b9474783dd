import { attach } from 'gemsocket/server';
import { ArenaService } from './arena-service.js';
import { clock, echo, goodbye } from './echo-service.js';

export const OUTAGE_MS = 10_000;

const options = {
  protocols: ['echo', 'arena', 'clock'],
  maxClients: 200,
  /** Room for the console's files; the arena's messages are a few dozen bytes. */
  maxMessageBytes: 1024 * 1024,
  /** A player sends about 30 a second. */
  rateLimit: { messagesPerSecond: 120, burst: 240 },
};

/** The demo's WebSocket side, on the HTTP server that also serves the page. It can go away and come back; the page stays. */
export class Services {
  #httpServer;
  #arena = new ArenaService();
  #paths = { '/arena': (client) => this.#arena.welcome(client), '/echo': echo, '/clock': clock, '/goodbye': goodbye };
  #server;
  #returnsAt;
  #timer;

  constructor(httpServer) {
    this.#httpServer = httpServer;
  }

  start() {
    this.#returnsAt = undefined;
    this.#server = attach(this.#httpServer, options);
    this.#server.on('connection', (client) => this.#serve(client));
    this.#arena.start();
  }

  /** Milliseconds until the server side is back; 0 while it is there. */
  get awayMs() {
    return this.#returnsAt === undefined ? 0 : Math.max(1, this.#returnsAt - Date.now());
  }

  /** Stops everything with a WebSocket in it, for {@link OUTAGE_MS}. Asked again meanwhile, it changes nothing. */
  async interrupt() {
    if (this.#returnsAt !== undefined) return;
    this.#returnsAt = Date.now() + OUTAGE_MS;
    this.#timer = setTimeout(() => this.start(), OUTAGE_MS);
    await this.#stop(1012, 'The demo server takes a break of ten seconds');
  }

  async close() {
    clearTimeout(this.#timer);
    if (this.#returnsAt === undefined) await this.#stop(1001, 'The demo server was stopped');
  }

  async #stop(code, reason) {
    this.#arena.stop();
    await this.#server.close({ code, reason, graceMs: 1_000 });
  }

  #serve(client) {
    client.on('error', () => {}); // a peer's mistake ended its own connection, and that is all
    const { pathname } = new URL(client.request.url, 'http://localhost');
    const serve = this.#paths[pathname];
    if (serve !== undefined) serve(client);
    else void client.close(4404, `Nothing at this path. There is ${Object.keys(this.#paths).join(', ')}.`);
  }
}
