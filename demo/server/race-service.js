import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** The server of the race, in a thread of its own: a race uses a whole core, and the arena keeps its ticks. */
export class RaceService {
  #host;
  #worker;
  #port;

  constructor(host) {
    this.#host = host;
  }

  /** The port of the race's server, which starts at the first request. */
  port() {
    this.#port ??= this.#start();
    return this.#port;
  }

  async close() {
    await this.#worker?.terminate();
  }

  async #start() {
    this.#worker = new Worker(new URL('race-worker.js', import.meta.url), { workerData: { host: this.#host } });
    this.#worker.once('exit', () => {
      this.#port = undefined; // the next request starts another
    });
    const [port] = await once(this.#worker, 'message');
    this.#worker.on('error', (error) => console.error(error));
    return port;
  }
}
