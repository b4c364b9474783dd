import { BackplaneError } from './backplane.js';
import type { Deadlines } from './memory-deadlines.js';

/** The memory of all logs and values together. */
export class MemoryBudget {
  readonly #maxBytes: number;
  readonly #deadlines: Deadlines;
  #bytes = 0;

  constructor(maxBytes: number, deadlines: Deadlines) {
    this.#maxBytes = maxBytes;
    this.#deadlines = deadlines;
  }

  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#maxBytes;
  }

  change(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Throws 'full' if there is no room, also after everything that has expired is removed. */
  require(hasRoom: () => boolean): void {
    if (hasRoom()) return;
    this.#deadlines.run();
    if (!hasRoom()) throw new BackplaneError('full');
  }
}
