import type { Duplex } from 'node:stream';

/** A timer for each socket whose handshake is under way: none is held for longer, whatever it sends or does not. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #passed: (socket: Duplex) => void;
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();

  constructor(timeoutMs: number, passed: (socket: Duplex) => void) {
    this.#timeoutMs = timeoutMs;
    this.#passed = passed;
  }

  /** From the first call for a socket on. */
  begin(socket: Duplex): void {
    if (this.#timers.has(socket)) return;
    const timer = setTimeout(() => {
      this.end(socket);
      this.#passed(socket);
    }, this.#timeoutMs);
    this.#timers.set(socket, timer);
    socket.once('close', () => this.end(socket));
  }

  end(socket: Duplex): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }
}
