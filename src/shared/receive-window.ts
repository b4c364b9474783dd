import type { ChannelSink } from '../core/channel.js';
import { postCost, type ToHub } from './posts.js';

export interface ReceiveWindowEvents {
  post(post: ToHub): void;
  /** The inbox is full and the connection closing: messages are dropped from now on. Called once. */
  dropped(): void;
}

/**
 * Counts the messages from the hub that were taken. With a session, a message is taken when the application reads it, so that the
 * peer waits for a slow reader; otherwise when it is received, because the inbox has its own bounds.
 */
export class ReceiveWindow {
  readonly #countsReading: boolean;
  readonly #sink: Pick<ChannelSink, 'deliver'>;
  readonly #events: ReceiveWindowEvents;
  #unread = 0;
  /** Those of the unread messages that an earlier port brought: they are not counted for this one. */
  #unreadOfEarlierPort = 0;
  #owedBytes = 0;
  #tail: 'kept' | 'cut' | 'reported' = 'kept';

  constructor(countsReading: boolean, sink: Pick<ChannelSink, 'deliver'>, events: ReceiveWindowEvents) {
    this.#countsReading = countsReading;
    this.#sink = sink;
    this.#events = events;
  }

  get hasUnread(): boolean {
    return this.#unread > this.#unreadOfEarlierPort;
  }

  /** From here on another port counts. */
  restart(): void {
    this.#owedBytes = 0;
    this.#unreadOfEarlierPort = this.#unread;
  }

  deliver(message: string | Uint8Array, bytes: number): void {
    if (!this.#countsReading) this.#owe(bytes);
    if (this.#tail === 'kept') {
      this.#unread += 1;
      this.#sink.deliver(message, bytes);
    } else if (this.#tail === 'cut') {
      this.#tail = 'reported';
      this.#events.dropped();
    }
  }

  consumed(bytes: number): void {
    this.#unread -= 1;
    if (this.#unreadOfEarlierPort > 0) this.#unreadOfEarlierPort -= 1;
    else if (this.#countsReading) this.#owe(bytes);
  }

  /** Messages that are received from now on are dropped. */
  cut(): void {
    this.#tail = 'cut';
  }

  #owe(bytes: number): void {
    if (this.#owedBytes === 0) {
      queueMicrotask(() => {
        if (this.#owedBytes > 0) this.#events.post({ is: 'taken', bytes: this.#owedBytes });
        this.#owedBytes = 0;
      });
    }
    this.#owedBytes += postCost(bytes);
  }
}
