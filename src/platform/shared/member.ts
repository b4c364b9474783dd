import type { Cancel } from '../../core/clock.js';
import type { WebsocketError } from '../../core/errors.js';
import { Queue } from '../../core/queue.js';
import type { CloseInfo, Continuity, Message } from '../../core/types.js';
import { carry } from './carried-error.js';
import { costOf, type PortLike, Poster, type ToHub, type ToTab } from './posts.js';

export type Join = ToHub & { readonly is: 'join' };

export interface Parcel {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

/** A logical client, seen from the hub: what it asked for, what waits for it and from it, and its port. */
export class Member {
  readonly join: Join;
  /** What it sent and the network has not taken: as much as its own window (64 KiB, and one message). */
  readonly waiting = new Queue<Parcel>();
  /** Since when it has taken too little; undefined while it keeps up. */
  fullSince: number | undefined;
  /** It said goodbye, and waits to hear that all is over. */
  isLeaving = false;
  /** Stops watching for its end. */
  unwatch: Cancel | undefined;
  readonly #port: PortLike;
  readonly #poster: Poster<ToTab>;
  #hasOpened = false;
  #untakenBytes = 0;
  #handed = 0;

  constructor(join: Join, port: PortLike) {
    this.join = join;
    this.#port = port;
    this.#poster = new Poster(port);
    this.post({ is: 'joined' });
  }

  /** Whether it is told of attempts that fail, rather than ended by the first. */
  get isPatient(): boolean {
    return this.#hasOpened || this.join.retriesFirst;
  }

  get isFull(): boolean {
    return this.#untakenBytes > this.join.windowBytes;
  }

  post(post: ToTab): void {
    this.#poster.post(post);
  }

  opened(protocol: string, continuity: Continuity, row: string, received: number): void {
    this.#hasOpened = true;
    this.post({ is: 'opened', protocol, continuity, row, received });
  }

  deliver(message: Message, bytes: number): void {
    if (!this.#hasOpened) return;
    this.#untakenBytes += costOf(bytes);
    this.post({ is: 'message', message, bytes });
  }

  taken(bytes: number): void {
    this.#untakenBytes = Math.max(0, this.#untakenBytes - bytes);
  }

  /** One message more was handed to the network. */
  handed(): void {
    if (this.#handed === 0) queueMicrotask(() => this.#tellHanded());
    this.#handed += 1;
  }

  /** A send that the connection refused: nothing is dropped in silence. */
  refused(message: Message, error: WebsocketError): void {
    this.post({ is: 'failed', error: carry(error) });
    this.post({ is: 'undelivered', messages: [message] });
  }

  behind(): void {
    this.post({ is: 'behind' });
    this.over();
  }

  closed(info: CloseInfo, error?: WebsocketError, ask?: number): void {
    this.#tellHanded();
    this.post({ is: 'closed', info, error: error === undefined ? undefined : carry(error, ask) });
    this.over();
  }

  /** Nothing it posts counts any more, and it is told nothing after what was posted. */
  over(): void {
    this.unwatch?.();
    this.#poster.flush();
    this.#port.onmessage = null;
    this.#port.close();
  }

  #tellHanded(): void {
    if (this.#handed > 0) this.post({ is: 'handed', messages: this.#handed });
    this.#handed = 0;
  }
}
