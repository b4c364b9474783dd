import { postCost } from './posts.js';

export interface ReceiveWindowEvents {
  /** Tells the hub that so much was taken. */
  taken(bytes: number): void;
  deliver(message: string | Uint8Array, bytes: number): void;
  /** The inbox is full and the connection closing: what comes now is not kept, and this is told once. */
  dropped(): void;
}

/**
 * What comes from the hub, and what is told to have been taken of it. With a session that is what the application has
 * read, so that the sender waits for it; otherwise what has come, for then the inbox has its own bounds.
 */
export class ReceiveWindow {
  readonly #countsReading: boolean;
  readonly #events: ReceiveWindowEvents;
  #unread = 0;
  /** Of the unread: what an earlier seat brought, of which this one need not hear. */
  #unreadOfBefore = 0;
  #owedBytes = 0;
  #tail: 'kept' | 'cut' | 'told' = 'kept';

  constructor(countsReading: boolean, events: ReceiveWindowEvents) {
    this.#countsReading = countsReading;
    this.#events = events;
  }

  get hasUnread(): boolean {
    return this.#unread > this.#unreadOfBefore;
  }

  /** From here on another seat is told. */
  restart(): void {
    this.#owedBytes = 0;
    this.#unreadOfBefore = this.#unread;
  }

  deliver(message: string | Uint8Array, bytes: number): void {
    if (!this.#countsReading) this.#owe(bytes);
    if (this.#tail === 'kept') {
      this.#unread += 1;
      this.#events.deliver(message, bytes);
    } else if (this.#tail === 'cut') {
      this.#tail = 'told';
      this.#events.dropped();
    }
  }

  consumed(bytes: number): void {
    this.#unread -= 1;
    if (this.#unreadOfBefore > 0) this.#unreadOfBefore -= 1;
    else if (this.#countsReading) this.#owe(bytes);
  }

  /** What comes after this is not kept. */
  cut(): void {
    this.#tail = 'cut';
  }

  #owe(bytes: number): void {
    if (this.#owedBytes === 0) {
      queueMicrotask(() => {
        if (this.#owedBytes > 0) this.#events.taken(this.#owedBytes);
        this.#owedBytes = 0;
      });
    }
    this.#owedBytes += postCost(bytes);
  }
}
