import type { Duplex } from 'node:stream';
import { type Cancel, deadline, systemClock } from '../core/clock.js';

/** A deadline for each socket with a pending handshake, whatever its peer sends. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #passed: (socket: Duplex) => void;
  readonly #timers = new Map<Duplex, Cancel>();

  constructor(timeoutMs: number, passed: (socket: Duplex) => void) {
    this.#timeoutMs = timeoutMs;
    this.#passed = passed;
  }

  /** Starts the deadline of a socket; a second call changes nothing. */
  begin(socket: Duplex): void {
    if (this.#timers.has(socket)) return;
    const cancel = deadline(systemClock, this.#timeoutMs, () => {
      this.end(socket);
      this.#passed(socket);
    });
    this.#timers.set(socket, cancel);
    socket.once('close', () => this.end(socket));
  }

  end(socket: Duplex): void {
    this.#timers.get(socket)?.();
    this.#timers.delete(socket);
  }
}

/**
 * Sockets that the server is closing. Each uses a file descriptor until its peer has answered the close frame or `closeTimeoutMs`
 * is over, although its client is no longer open.
 */
export class ClosingSockets {
  /** In the order in which their closing began. */
  readonly #sockets = new Set<Duplex>();
  #dropped = 0;

  get count(): number {
    return this.#sockets.size;
  }

  /** Sockets that were destroyed before their peer answered. */
  get dropped(): number {
    return this.#dropped;
  }

  add(socket: Duplex): void {
    if (socket.destroyed || this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Destroys the oldest sockets until `most` are left. */
  limitTo(most: number): void {
    for (const socket of this.#sockets) {
      if (this.#sockets.size <= most) return;
      this.#sockets.delete(socket);
      this.#dropped += 1;
      socket.destroy();
    }
  }
}
