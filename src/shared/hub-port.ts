import type { Cancel, Clock } from '../core/clock.js';
import type { Locks } from './locks.js';
import { type PortLike, Poster, type ToHub, type ToTab } from './posts.js';

export interface HubPortEvents {
  readonly clock: Clock;
  /** Undefined where hub and tab live and die together. */
  readonly locks: Locks | undefined;
  receive(post: ToTab): void;
  /** The hub never came to be. */
  failed(): void;
  /** The hub is gone. */
  lost(): void;
}

/**
 * A worker that is there answers within milliseconds; one whose script must come over a poor network first may take
 * seconds. After this time the tab has a socket of its own.
 */
export const START_MS = 5_000;

/** The lock of a hub that is gone may be free before its last posts are here, for they come by different ways. */
const LAST_POSTS_MS = 250;

/** One port to a hub: posts there and back, and the two locks by which each side knows that the other lives. */
export class HubPort {
  readonly #port: PortLike;
  readonly #poster: Poster<ToHub>;
  readonly #events: HubPortEvents;
  readonly #cancelStart: Cancel;
  #hasJoined = false;
  #letGo: (() => void) | undefined;
  #stopWatching: (() => void) | undefined;
  #isOver = false;

  /** @param lock a name that no other has. */
  constructor(port: PortLike, lock: string, events: HubPortEvents) {
    this.#port = port;
    this.#events = events;
    this.#poster = new Poster(port);
    port.onmessage = ({ data }) => this.#receive(data as readonly ToTab[]);
    this.#cancelStart = events.clock.after(START_MS, () => this.fail());
    this.#letGo = events.locks?.hold(lock, () => this.post({ is: 'holds', lock }));
  }

  post(post: ToHub): void {
    if (!this.#isOver) this.#poster.post(post);
  }

  flush(): void {
    this.#poster.flush();
  }

  /** The hub did not come to be. */
  fail(): void {
    if (this.#isOver || this.#hasJoined) return;
    this.release();
    this.#events.failed();
  }

  /** What was posted arrives; nothing is heard any more. The port stays open: closing it might overtake what was posted. */
  release(): void {
    // First: a hub in this tab answers in the middle of the flush.
    this.#isOver = true;
    this.#port.onmessage = null;
    this.#poster.flush();
    this.#cancelStart();
    this.#letGo?.();
    this.#stopWatching?.();
  }

  #receive(posts: readonly ToTab[]): void {
    for (const post of posts) {
      if (this.#isOver) return;
      if (post.is === 'joined') this.#joined();
      else if (post.is === 'holds') this.#watch(post.lock);
      else this.#events.receive(post);
    }
  }

  #joined(): void {
    this.#hasJoined = true;
    this.#cancelStart();
  }

  #watch(lock: string): void {
    this.#stopWatching = this.#events.locks?.whenFree(lock, () => {
      this.#stopWatching = this.#events.clock.after(LAST_POSTS_MS, () => {
        this.release();
        this.#events.lost();
      });
    });
  }
}
