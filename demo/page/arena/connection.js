import { addressOf, typeOfPage } from '../dom.js';

/** In ten seconds of outage a visitor should see several attempts, and be back soon after it ends. */
const reconnect = { minDelayMs: 400, maxDelayMs: 2_500 };

/**
 * The arena's connection: a client of the bus, and another one if the visitor asks for it after the server has closed
 * the first for good. Listeners stay; `retry` is told when a new client takes over.
 */
export class ArenaConnection {
  #bus;
  #client;
  #listeners = [];

  constructor(bus) {
    this.#bus = bus;
    this.#client = this.#create();
  }

  get state() {
    return this.#client.state;
  }

  get stats() {
    return this.#client.stats;
  }

  on(event, listener) {
    this.#listeners.push([event, listener]);
    if (event !== 'retry') this.#client.on(event, listener);
  }

  restart() {
    this.#client = this.#create();
    for (const [event, listener] of this.#listeners) {
      if (event === 'retry') listener();
      else this.#client.on(event, listener);
    }
  }

  /** Everything that arrived since the last time, in order. It never waits. */
  poll(take) {
    for (let next = this.#client.getMessage(); next !== undefined; next = this.#client.getMessage()) {
      if ('message' in next) take(next.message);
    }
  }

  say(what) {
    if (this.#client.isConnectionOpen()) this.#client.sendMessage(JSON.stringify(what));
  }

  /** Volatile: a position that can't leave at once is worth nothing, the next one replaces it. */
  sendPosition(bytes) {
    if (this.#client.isConnectionOpen()) this.#client.sendMessageBinary(bytes, 'volatile');
  }

  #create() {
    return this.#bus.createClient(addressOf('/arena'), undefined, typeOfPage(), { protocols: ['arena'], reconnect });
  }
}
