import { newId } from '../core/client-id.js';
import { HubPort } from './hub-port.js';
import type { PortLike, ToHub, ToTab } from './posts.js';
import type { TabConnectionParts } from './tab-connection-parts.js';

export type SeatParts = Pick<TabConnectionParts, 'platform' | 'locks' | 'openWorker' | 'openLocal'>;

export interface SeatEvents {
  receive(post: ToTab): void;
  /** The worker could not start. From now on the hub is one in this tab: take the seat again. */
  failed(): void;
  /** The hub is gone. */
  lost(): void;
}

/** The tab's place at a hub: the worker's, or, once that could not start, one of its own. */
export class Seat {
  readonly #parts: SeatParts;
  readonly #events: SeatEvents;
  #hubPort: HubPort | undefined;
  #isLocal = false;

  constructor(parts: SeatParts, events: SeatEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  get isTaken(): boolean {
    return this.#hubPort !== undefined;
  }

  /** Whether hub and tab live and die together. */
  get isLocal(): boolean {
    return this.#isLocal;
  }

  take(join: ToHub): void {
    const { platform, locks, openWorker } = this.#parts;
    let hubPort: HubPort | undefined;
    const port = (this.#isLocal ? undefined : openWorker(() => hubPort?.fail())) ?? this.#openLocal();
    hubPort = new HubPort(port, `gemsocket tab ${newId(platform.random)}`, {
      ...this.#events,
      clock: platform.clock,
      locks: this.#isLocal ? undefined : locks,
      failed: () => {
        this.#isLocal = true;
        this.#events.failed();
      },
    });
    this.#hubPort = hubPort;
    hubPort.post(join);
  }

  post(post: ToHub): void {
    this.#hubPort?.post(post);
  }

  /** What was posted leaves in this turn, which may be the page's last. */
  flush(): void {
    this.#hubPort?.flush();
  }

  release(): void {
    this.#hubPort?.release();
    this.#hubPort = undefined;
  }

  #openLocal(): PortLike {
    this.#isLocal = true;
    return this.#parts.openLocal();
  }
}
