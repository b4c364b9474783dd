import type { ServerClient } from './types.js';

type Result = IteratorResult<ServerClient, undefined>;

/**
 * New clients, for `for await`. `maxClients` bounds the clients that wait for a slow loop, because a client that has left
 * `server.clients` is not handed out any more.
 */
export class AcceptQueue {
  readonly #loops = new Set<Loop>();
  #isOver = false;

  arrived(client: ServerClient): void {
    for (const loop of this.#loops) loop.arrived(client);
  }

  left(client: ServerClient): void {
    for (const loop of this.#loops) loop.left(client);
  }

  end(): void {
    this.#isOver = true;
    for (const loop of this.#loops) loop.end();
    this.#loops.clear();
  }

  /** Each loop sees every client that connects from now on. */
  iterate(): AsyncIterableIterator<ServerClient, undefined> {
    const loop = new Loop();
    if (this.#isOver) loop.end();
    else this.#loops.add(loop);
    return {
      next: () => loop.next(),
      return: () => {
        this.#loops.delete(loop);
        loop.stop();
        return loop.next();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

class Loop {
  readonly #waiting = new Set<ServerClient>();
  #pulls: ((result: Result) => void)[] = [];
  #isOver = false;

  arrived(client: ServerClient): void {
    const pull = this.#pulls.shift();
    if (pull === undefined) this.#waiting.add(client);
    else pull({ done: false, value: client });
  }

  left(client: ServerClient): void {
    this.#waiting.delete(client);
  }

  next(): Promise<Result> {
    for (const client of this.#waiting) {
      this.#waiting.delete(client);
      return Promise.resolve({ done: false, value: client });
    }
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#pulls.push(resolve));
  }

  /** No more clients follow; those that wait are still handed out. */
  end(): void {
    this.#isOver = true;
    for (const pull of this.#pulls) pull({ done: true, value: undefined });
    this.#pulls = [];
  }

  /** The loop was left. */
  stop(): void {
    this.#waiting.clear();
    this.end();
  }
}
