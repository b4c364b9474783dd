import type { Cancel } from '../core/clock.js';
import type { WebsocketError } from '../core/errors.js';
import { Queue } from '../core/queue.js';
import type { CloseInfo, Message } from '../core/types.js';
import { carry } from './carried-error.js';
import { type Count, type PortLike, Poster, postCost, type ToHub, type ToTab } from './posts.js';

export type Join = ToHub & { readonly is: 'join' };

export interface TabMessage {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly bytes: number;
  readonly owner: TabPort;
}

/** A logical client, seen from the hub: what it asked for, what waits for it and from it, and its port. */
export class TabPort {
  readonly join: Join;
  /** What it sent and the network has not taken: as much as its own window (64 KiB, and one message). */
  readonly waiting = new Queue<TabMessage>();
  /** Since when it has taken too little; undefined while it keeps up. */
  fullSince: number | undefined;
  /** It said goodbye, and waits to hear that all is over. */
  isLeaving = false;
  /** It has taken too little for too long, and receives nothing more until it asks for it. */
  isBehind = false;
  /** Its port is closed: what is posted goes nowhere. */
  isOver = false;
  /** Stops watching for its end. */
  unwatch: Cancel | undefined;
  readonly #port: PortLike;
  readonly #poster: Poster<ToTab>;
  #hasOpened = false;
  #untakenBytes = 0;
  /** Messages that it sent and that are neither handed on nor, with a session, acknowledged. */
  unsettled = 0;
  #whenSettled: (() => void) | undefined;

  constructor(join: Join, port: PortLike) {
    this.join = join;
    this.#port = port;
    this.#poster = new Poster(port);
    this.post({ is: 'joined' });
  }

  /** Whether it is told of attempts that fail, rather than ended by the first. */
  get isPatient(): boolean {
    return this.#hasOpened || this.join.retryFirstAttempt;
  }

  get isFull(): boolean {
    return this.#untakenBytes > this.join.windowBytes;
  }

  post(post: ToTab): void {
    this.#poster.post(post);
  }

  /** What was posted leaves now. */
  flush(): void {
    this.#poster.flush();
  }

  opened(post: ToTab & { readonly is: 'opened' }): void {
    this.#hasOpened = true;
    this.post(post);
  }

  deliver(message: Message, bytes: number): void {
    if (!this.#hasOpened || this.isBehind) return;
    this.#untakenBytes += postCost(bytes);
    this.post({ is: 'message', message, bytes });
  }

  taken(bytes: number): void {
    this.#untakenBytes = Math.max(0, this.#untakenBytes - bytes);
  }

  sent({ message, bytes }: ToHub & { readonly is: 'message' }): void {
    this.unsettled += 1;
    this.waiting.push({ message, bytes, owner: this });
  }

  /** One message more is `handed`, `acknowledged` or `returned`. */
  count(is: Count['is']): void {
    this.#poster.count(is);
    // Without a session nothing is known of a message after it was handed on.
    if ((is === 'handed') === (this.join.session !== undefined)) return;
    this.unsettled -= 1;
    this.#lookSettled();
  }

  /** Calls once nothing that it sent is uncertain any more. */
  whenSettled(call: () => void): void {
    this.#whenSettled = call;
    this.#lookSettled();
  }

  behind(): void {
    this.isBehind = true;
    this.#untakenBytes = 0;
    this.post({ is: 'behind' });
  }

  closed(info: CloseInfo, error?: WebsocketError, ask?: number): void {
    this.post({ is: 'closed', info, error: error === undefined ? undefined : carry(error, ask) });
    this.over();
  }

  /** Nothing it posts counts any more, and it is told nothing after what was posted. */
  over(): void {
    this.isOver = true;
    this.unwatch?.();
    this.#poster.flush();
    this.#port.onmessage = null;
    this.#port.close();
  }

  #lookSettled(): void {
    if (this.unsettled === 0) this.#whenSettled?.();
  }
}
