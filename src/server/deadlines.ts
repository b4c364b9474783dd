import type { Duplex } from 'node:stream';
import { type Cancel, deadline } from '../core/clock.js';
import { systemClock } from '../core/system-clock.js';

/** A timer for each socket whose handshake is under way: none is held for longer, whatever it sends or does not. */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #passed: (socket: Duplex) => void;
  readonly #timers = new Map<Duplex, Cancel>();

  constructor(timeoutMs: number, passed: (socket: Duplex) => void) {
    this.#timeoutMs = timeoutMs;
    this.#passed = passed;
  }

  /** From the first call for a socket on. */
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
