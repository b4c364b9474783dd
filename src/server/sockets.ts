import type { Duplex } from 'node:stream';
import { type Cancel, deadline, systemClock } from '../core/clock.js';

/** A listener that all sockets of a server share, so that none keeps a closure of its own. */
export function onSocket(call: (socket: Duplex) => void): (this: Duplex) => void {
  return function (this: Duplex) {
    call(this);
  };
}

/** A deadline for each socket with a pending handshake, whatever its peer sends. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #passed: (socket: Duplex) => void;
  readonly #timers = new Map<Duplex, Cancel>();
  readonly #closed = onSocket((socket) => this.end(socket));

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
    socket.on('close', this.#closed);
  }

  end(socket: Duplex): void {
    this.#timers.get(socket)?.();
    this.#timers.delete(socket);
  }
}

/** The sockets of each address that are open and not closing: of clients, and of pending handshakes. */
export class SocketsByAddress {
  readonly #most: number;
  readonly #addresses = new Map<Duplex, string>();
  readonly #counts = new Map<string, number>();
  readonly #closed = onSocket((socket) => this.remove(socket));

  /** @param most sockets of one address. Without such a bound nothing is counted. */
  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(address: string): boolean {
    return this.#countOf(address) < this.#most;
  }

  add(socket: Duplex, address: string): void {
    if (this.#most === Number.POSITIVE_INFINITY || socket.destroyed) return;
    this.#addresses.set(socket, address);
    this.#counts.set(address, this.#countOf(address) + 1);
    socket.on('close', this.#closed);
  }

  /** The socket is closed, or it is closing. */
  remove(socket: Duplex): void {
    const address = this.#addresses.get(socket);
    if (address === undefined) return;
    this.#addresses.delete(socket);
    const count = this.#countOf(address) - 1;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
  }

  #countOf(address: string): number {
    return this.#counts.get(address) ?? 0;
  }
}

/**
 * Sockets that the server is closing. Each uses a file descriptor until its peer has answered the close frame or `closeTimeoutMs`
 * is over, although its client is no longer open.
 */
export class ClosingSockets {
  /** In the order in which their closing began. */
  readonly #sockets = new Set<Duplex>();
  readonly #closed = onSocket((socket) => this.#sockets.delete(socket));
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
    socket.on('close', this.#closed);
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
