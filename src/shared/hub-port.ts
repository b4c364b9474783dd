import { type Cancel, deadline } from '../core/clock.js';
import type { Platform } from '../core/platform.js';
import { newId } from '../core/util.js';
import { type Locks, type PortLike, Poster } from './port.js';
import { type JoinFacts, joinPost, type ToHub, type ToTab } from './posts.js';

/** The parts of a tab that its port to a hub needs. */
export interface HubPortParts extends JoinFacts {
  readonly platform: Platform;
  readonly locks: Locks | undefined;
  /** Reports whether the page is visible, at once and whenever it changes, until the returned function is called. */
  readonly watchVisibility: (report: (isVisible: boolean) => void) => () => void;
  /** A port to the worker; `failed` is called if the worker cannot start. Undefined where there is no shared worker. */
  readonly openWorker: (failed: () => void) => PortLike | undefined;
  /** A port to a hub in this tab, for this client alone. */
  readonly openLocal: () => PortLike;
}

/** The posts that the port passes on; it handles the others itself. */
export type ConnectionPost = Exclude<ToTab, { readonly is: 'joined' | 'holds' }>;

export interface HubPortEvents {
  receive(post: ConnectionPost): void;
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
  /** Names the tab's client at every port. */
  readonly #tab: string;
  /** The hub lives and ends with this tab. */
  isLocal = false;
  #poster: Poster<ToHub> | undefined;
  #hasJoined = false;
  /** Timers, locks and watches of the port. */
  #cancels: Cancel[] = [];

  constructor(parts: HubPortParts, events: HubPortEvents) {
    this.#parts = parts;
    this.#events = events;
    this.#tab = newId(parts.platform.random);
  }

  get isOpen(): boolean {
    return this.#poster !== undefined;
  }

  /** @param hasOpened false before the client has opened: until then an attempt that fails may close it. */
  open(hasOpened: boolean): void {
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
    poster.post(joinPost(this.#parts, this.#tab, hasOpened));
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
