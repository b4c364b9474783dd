import type { Cancel } from '../core/clock.js';
import type { WebsocketError } from '../core/errors.js';
import type { RelayedTab } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import type { CloseInfo, Message } from '../core/types.js';
import { type PortLike, Poster } from './port.js';
import { type Count, carry, type Join, postCost, type ToHub, type ToTab } from './posts.js';

export interface TabMessage {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly bytes: number;
  readonly owner: TabPort;
}

/** The hub's port to a client in a tab, with the client's options, its waiting messages and its receive window. */
export class TabPort implements RelayedTab {
  readonly join: Join;
  isVisible = false;
  /** Messages of the tab that are not handed to the network: at most 64 KiB and one message, which the tab posts at a time. */
  readonly waiting = new Queue<TabMessage>();
  /** Since when the window is full; undefined while it is not. */
  fullSince: number | undefined;
  /** The client closes, and `closed` is still to be posted. */
  isLeaving = false;
  /** The window was full for too long: the tab receives nothing more until it posts `wake`. */
  isBehind = false;
  /** The port is closed, and posts go nowhere. */
  isOver = false;
  /** Stops watching the lock of the tab. */
  unwatch: Cancel | undefined;
  readonly #port: PortLike;
  readonly #poster: Poster<ToTab>;
  #hasOpened = false;
  #untakenBytes = 0;
  /** Messages of the tab that are not handed on, or with a session not acknowledged. */
  unsettled = 0;
  #whenSettled: (() => void) | undefined;

  constructor(join: Join, port: PortLike) {
    this.join = join;
    this.#port = port;
    this.#poster = new Poster(port);
    this.post({ is: 'joined' });
  }

  /** False: an attempt that fails closes the client. */
  get retriesNow(): boolean {
    return this.#hasOpened || this.join.retryFirstAttempt;
  }

  get isFull(): boolean {
    return this.#untakenBytes > this.join.windowBytes;
  }

  post(post: ToTab): void {
    this.#poster.post(post);
  }

  /** The posts leave now. */
  flush(): void {
    this.#poster.flush();
  }

  opened(post: ToTab & { readonly is: 'opened' }): void {
    this.#hasOpened = true;
    this.post(post);
  }

  record(kind: number, body: Uint8Array<ArrayBuffer>): void {
    if (this.#hasOpened) this.post({ is: 'record', kind, body });
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

  /** One more message is `handed`, `acknowledged` or `returned`. Counts in a row travel as one post. */
  count(is: Count['is']): void {
    const { last } = this.#poster;
    if (last?.is === is) (last as Count).messages += 1;
    else this.post({ is, messages: 1 });
    // Without a session nothing is known of a message after it was handed on.
    if ((is === 'handed') === (this.join.session !== undefined)) return;
    this.unsettled -= 1;
    this.#checkSettled();
  }

  /** Calls once every message of the tab is settled. */
  whenSettled(call: () => void): void {
    this.#whenSettled = call;
    this.#checkSettled();
  }

  fellBehind(): void {
    this.isBehind = true;
    this.#untakenBytes = 0;
    this.post({ is: 'behind' });
  }

  closed(info: CloseInfo, error?: WebsocketError, ask?: number): void {
    this.post({ is: 'closed', info, error: error === undefined ? undefined : carry(error, ask) });
    this.end();
  }

  /** Posts of the tab are ignored from now on, and nothing more is posted to it. */
  end(): void {
    this.isOver = true;
    this.unwatch?.();
    this.#poster.end();
    this.#port.close();
  }

  #checkSettled(): void {
    if (this.unsettled === 0) this.#whenSettled?.();
  }
}
