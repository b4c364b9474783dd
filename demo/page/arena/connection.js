import { addressOf, typeOfPage } from '../dom.js';

/** During an outage of ten seconds a visitor should see several attempts, and reconnect soon after its end. */
const reconnect = { minDelayMs: 400, maxDelayMs: 2_500 };

/**
 * The arena's connection: a client of the bus, and a new client on the visitor's request after the server has closed the first
 * for good. Listeners stay; `retry` is emitted when a new client takes over.
 */
export class ArenaConnection {
  #bus;
  #client;
  #listeners = [];

  constructor(bus) {
    this.#bus = bus;
    this.#client = this.#create();
  }

  get client() {
    return this.#client;
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

  /** Reads all messages since the last call, in order. Never waits. */
  poll(take) {
    for (let next = this.#client.getMessage(); next !== undefined; next = this.#client.getMessage()) {
      if ('message' in next) take(next.message);
    }
  }

  /** The session keeps it while the connection is lost. */
  say(what) {
    if (this.state === 'open' || this.state === 'reconnecting') this.#client.sendMessage(JSON.stringify(what));
  }

  /** Volatile: a position that cannot leave at once is dropped, because the next one replaces it. */
  sendPosition(bytes) {
    if (this.#client.isConnectionOpen()) this.#client.sendMessageBinary(bytes, 'volatile');
  }

  #create() {
    const options = { protocols: ['arena'], reconnect, session: Gemsocket.session() };
    return this.#bus.createClient(addressOf('/arena'), undefined, typeOfPage(), options);
  }
}
