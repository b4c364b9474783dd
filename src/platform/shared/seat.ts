import { newId } from '../../core/client-id.js';
import { Membership } from './membership.js';
import type { MirrorParts } from './mirror-parts.js';
import type { PortLike, ToHub, ToTab } from './posts.js';

export type SeatParts = Pick<MirrorParts, 'platform' | 'locks' | 'openWorker' | 'openLocal'>;

export interface SeatHost {
  receive(post: ToTab): void;
  /** The worker could not start. From now on the hub is one in this tab: take the seat again. */
  failed(): void;
  /** The hub is gone. */
  lost(): void;
}

/** The tab's place at a hub: the worker's, or, once that could not start, one of its own. */
export class Seat {
  readonly #parts: SeatParts;
  readonly #host: SeatHost;
  #membership: Membership | undefined;
  #isLocal = false;

  constructor(parts: SeatParts, host: SeatHost) {
    this.#parts = parts;
    this.#host = host;
  }

  get isTaken(): boolean {
    return this.#membership !== undefined;
  }

  /** Whether hub and tab live and die together. */
  get isLocal(): boolean {
    return this.#isLocal;
  }

  take(join: ToHub): void {
    const { platform, locks, openWorker } = this.#parts;
    let membership: Membership | undefined;
    const port = (this.#isLocal ? undefined : openWorker(() => membership?.fail())) ?? this.#openLocal();
    membership = new Membership(port, `gemsocket tab ${newId(platform.random)}`, {
      ...this.#host,
      clock: platform.clock,
      locks: this.#isLocal ? undefined : locks,
      failed: () => {
        this.#isLocal = true;
        this.#host.failed();
      },
    });
    this.#membership = membership;
    membership.post(join);
  }

  post(post: ToHub): void {
    this.#membership?.post(post);
  }

  /** What was posted leaves in this turn, which may be the page's last. */
  flush(): void {
    this.#membership?.flush();
  }

  release(): void {
    this.#membership?.release();
    this.#membership = undefined;
  }

  #openLocal(): PortLike {
    this.#isLocal = true;
    return this.#parts.openLocal();
  }
}
