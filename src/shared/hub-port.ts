import { type Cancel, deadline } from '../core/clock.js';
import { newId } from '../core/util.js';
import type { TabConnectionParts } from './join.js';
import { Poster } from './port.js';
import type { Join, ToHub, ToTab } from './posts.js';

export type HubPortParts = Pick<TabConnectionParts, 'platform' | 'locks' | 'watchVisibility' | 'openWorker' | 'openLocal'>;

export interface HubPortEvents {
  receive(post: ToTab): void;
  /** The worker could not start. From now on the hub is one in this tab: open the port again. */
  failed(): void;
  /** The hub has ended. */
  lost(): void;
}

/**
 * A running worker answers within milliseconds; one whose script must first be loaded over a slow network may take seconds. After
 * this time the tab has a socket of its own.
 */
export const START_MS = 5_000;

/** The lock of a hub that ended may be free before its last posts are received, because they take different ways. */
const LAST_POSTS_MS = 250;

/** The tab's port to a hub: the worker's, or one in this tab if the worker could not start. Two locks show each side that the other lives. */
export class HubPort {
  readonly #parts: HubPortParts;
  readonly #events: HubPortEvents;
  /** The hub lives and ends with this tab. */
  isLocal = false;
  #poster: Poster<ToHub> | undefined;
  #hasJoined = false;
  /** Timers, locks and watches of the port. */
  #cancels: Cancel[] = [];

  constructor(parts: HubPortParts, events: HubPortEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#poster !== undefined;
  }

  open(join: Join): void {
    const { platform, locks, openWorker, openLocal, watchVisibility } = this.#parts;
    const failed = () => {
      if (this.#poster !== poster || this.#hasJoined) return;
      this.release();
      this.isLocal = true;
      this.#events.failed();
    };
    const remote = this.isLocal ? undefined : openWorker(failed);
    this.isLocal = remote === undefined;
    const port = remote ?? openLocal();
    const poster = new Poster<ToHub>(port);
    port.onmessage = ({ data }) => this.#receive(poster, data as readonly ToTab[]);
    this.#poster = poster;
    this.#hasJoined = false;
    poster.post(join);
    this.#cancels = [platform.clock.after(START_MS, failed), watchVisibility((isVisible) => poster.post({ is: 'visibility', isVisible }))];
    if (this.isLocal || locks === undefined) return;
    const lock = `gemsocket tab ${newId(platform.random)}`;
    this.#cancels.push(locks.hold(lock, () => poster.post({ is: 'holds', lock })));
  }

  post(post: ToHub): void {
    this.#poster?.post(post);
  }

  /** The posts leave in this turn, which may be the page's last. */
  flush(): void {
    this.#poster?.flush();
  }

  release(): void {
    const poster = this.#poster;
    // First: a hub in this tab answers while the posts leave.
    this.#poster = undefined;
    poster?.end();
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  #receive(poster: Poster<ToHub>, posts: readonly ToTab[]): void {
    for (const post of posts) {
      if (this.#poster !== poster) return;
      if (post.is === 'joined') this.#hasJoined = true;
      else if (post.is === 'holds') this.#watch(poster, post.lock);
      else this.#events.receive(post);
    }
  }

  #watch(poster: Poster<ToHub>, lock: string): void {
    const { platform, locks } = this.#parts;
    const lost = () => {
      this.release();
      this.#events.lost();
    };
    const free = () => this.#poster === poster && this.#cancels.push(deadline(platform.clock, LAST_POSTS_MS, lost));
    if (locks !== undefined) this.#cancels.push(locks.whenFree(lock, free));
  }
}
