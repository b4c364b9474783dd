import { setTimeout } from 'node:timers/promises';

/** Connections opened at the same time: more would fill the server's queue of connections that are not accepted yet. */
const AT_ONCE = 50;

/** Little beside the time until all have reconnected. */
const POLL_MS = 20;

/** Many connections of one side, in one process. */
export class Crowd {
  #side;
  #onMessage;
  #connections = [];
  #received = 0;
  #awaited = Infinity;
  #onReceived = () => {};

  /**
   * @param {import('./sides.mjs').Side} side
   * @param {(text: string) => void} onMessage
   */
  constructor(side, onMessage = () => this.#count()) {
    this.#side = side;
    this.#onMessage = onMessage;
  }

  get connections() {
    return this.#connections;
  }

  /** Whether the connections reconnect by themselves. */
  get canReconnect() {
    return this.#connections[0]?.isOpen !== undefined;
  }

  /** Resolves when exactly this many connections are open, of those that reconnect by themselves. */
  async untilOpen(count) {
    while (this.#connections.filter((connection) => connection.isOpen()).length !== count) await setTimeout(POLL_MS);
  }

  /**
   * Opens or closes connections until there are `count`.
   *
   * @returns the milliseconds that it took.
   */
  async resize(port, count) {
    const startedAt = performance.now();
    let missing = count - this.#connections.length;
    const openSome = async () => {
      while (missing-- > 0) this.#connections.push(await this.#side.connect(port, this.#onMessage));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, openSome));
    await Promise.all(this.#connections.splice(count).map((connection) => connection.close()));
    return performance.now() - startedAt;
  }

  /** Resolves when this many messages have arrived, at all connections together, since the call before. */
  async received(messages) {
    this.#awaited = messages;
    if (this.#received < messages) {
      await new Promise((resolve) => {
        this.#onReceived = resolve;
      });
    }
    this.#received -= messages;
    this.#awaited = Infinity;
  }

  #count() {
    this.#received += 1;
    if (this.#received >= this.#awaited) this.#onReceived();
  }
}

/** A server that sends nothing, and a process with its clients. */
export const crowdRoles = {
  server: async (side) => {
    const server = await side.serve(() => {});
    return { port: () => server.port };
  },
  clients: async (side) => {
    const crowd = new Crowd(side);
    return {
      resize: (port, count) => crowd.resize(port, count),
      received: (messages) => crowd.received(messages),
    };
  },
};
