import { sizeOf } from '../../core/message-bytes.js';
import { Queue } from '../../core/queue.js';
import type { Wire } from '../../core/wire.js';
import type { ToHub } from './posts.js';

/** The shared connection, as the link of a tab sees it: what was posted and not handed to the network is its buffer. */
export class PortWire implements Wire {
  readonly isOpen = true;
  protocol = '';
  readonly #post: (post: ToHub) => void;
  readonly #inFlight = new Queue<number>();
  #bytes = 0;

  constructor(post: (post: ToHub) => void) {
    this.#post = post;
  }

  get bufferedBytes(): number {
    return this.#bytes;
  }

  get bufferedMessages(): number {
    return this.#inFlight.length;
  }

  send(message: string | Uint8Array<ArrayBuffer>): void {
    const bytes = sizeOf(message);
    this.#inFlight.push(bytes);
    this.#bytes += bytes;
    this.#post({ is: 'message', message, bytes });
  }

  /** So many of the oldest. */
  handed(messages: number): void {
    for (let count = 0; count < messages; count++) this.#bytes -= this.#inFlight.shift() ?? 0;
  }

  /** What is in flight is the hub's now: nobody will say more of it. */
  forget(): void {
    this.#inFlight.clear();
    this.#bytes = 0;
  }

  close(code: number, reason: string): void {
    this.#post({ is: 'close', code, reason });
  }

  detach(): void {}
}
