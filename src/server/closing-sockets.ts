import type { Duplex } from 'node:stream';

/**
 * Sockets that the server is closing. Each takes a file descriptor until its peer has answered the close frame, or
 * `closeTimeoutMs` is over, although it belongs to no open client any more.
 */
export class ClosingSockets {
  /** In the order in which their closing began. */
  readonly #sockets = new Set<Duplex>();
  #dropped = 0;

  get count(): number {
    return this.#sockets.size;
  }

  /** Sockets that were not given the time to answer. */
  get dropped(): number {
    return this.#dropped;
  }

  add(socket: Duplex): void {
    if (socket.destroyed || this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Drops the oldest, until no more than `most` are left. */
  limitTo(most: number): void {
    for (const socket of this.#sockets) {
      if (this.#sockets.size <= most) return;
      this.#sockets.delete(socket);
      this.#dropped += 1;
      socket.destroy();
    }
  }
}
