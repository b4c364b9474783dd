import { deadline } from '../core/clock.js';
import * as CloseCode from '../core/close-codes.js';
import { newId } from '../core/util.js';
import type { HubClientEnvironment } from './hub-client.js';
import { handlePost, type Locks, type PortLike, type PostHandlers } from './port.js';
import type { Join, ToHub } from './posts.js';
import { SharedConnection } from './shared-connection.js';
import { TabPort } from './tab-port.js';

export interface HubEnvironment extends HubClientEnvironment {
  /** Undefined where the hub lives and ends with its tab. */
  readonly locks: Locks | undefined;
}

/** The posts of a tab that has joined. */
type TabPost = Exclude<ToHub, Join>;

/**
 * The lock of a tab that ended may be free before its last posts are received, because they take different ways. This is far more
 * than a busy machine needs, and soon enough after a crash.
 */
const LAST_POSTS_MS = 1_000;

/** The shared worker's part: accepts one port for each client of a tab, and joins those with the same key to one connection. */
export class Hub {
  readonly #environment: HubEnvironment;
  readonly #connections = new Map<string | undefined, SharedConnection>();
  readonly #lock: string;
  /** Settles once the hub holds its lock; never where there are no locks. */
  readonly #held: Promise<void>;

  constructor(environment: HubEnvironment) {
    this.#environment = environment;
    this.#lock = `gemsocket hub ${newId(environment.platform.random)}`;
    this.#held = new Promise((resolve) => environment.locks?.hold(this.#lock, resolve));
  }

  accept(port: PortLike): void {
    let joined: { readonly handlers: PostHandlers<TabPost>; readonly connection: SharedConnection } | undefined;
    port.onmessage = ({ data }) => {
      for (const post of data as readonly ToHub[]) {
        if (post.is === 'join') joined ??= this.#join(post, port);
        else if (joined !== undefined) handlePost<TabPost>(joined.handlers, post);
      }
      joined?.connection.pump();
    };
  }

  #join(join: Join, port: PortLike): { handlers: PostHandlers<TabPost>; connection: SharedConnection } {
    const tabPort = new TabPort(join, port);
    void this.#held.then(() => tabPort.post({ is: 'holds', lock: this.#lock }));
    const connection = this.#connectionFor(join);
    connection.add(tabPort);
    return { handlers: this.#handlers(tabPort, connection), connection };
  }

  #handlers(tabPort: TabPort, connection: SharedConnection): PostHandlers<TabPost> {
    return {
      holds: ({ lock }) => this.#watch(tabPort, connection, lock),
      message: (post) => tabPort.sent(post),
      record: (post) => connection.record(tabPort, post),
      taken: ({ bytes }) => connection.taken(tabPort, bytes),
      address: (post) => connection.answered(tabPort, post),
      noAddress: (post) => connection.answered(tabPort, post),
      visibility: ({ isVisible }) => {
        tabPort.isVisible = isVisible;
      },
      wake: () => connection.wake(tabPort),
      close: ({ code, reason }) => connection.close(tabPort, code, reason),
      leave: ({ code, reason }) => connection.leave(tabPort, code, reason),
    };
  }

  #connectionFor(join: Join): SharedConnection {
    const { key } = join;
    const found = this.#connections.get(key);
    if (found !== undefined) return found;
    const connection = new SharedConnection(join, this.#environment, () => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    if (key !== undefined) this.#connections.set(key, connection);
    return connection;
  }

  #watch(tabPort: TabPort, connection: SharedConnection, lock: string): void {
    const gone = () => connection.leave(tabPort, CloseCode.goingAway, 'tab gone');
    tabPort.unwatch = this.#environment.locks?.whenFree(lock, () => {
      tabPort.unwatch = deadline(this.#environment.platform.clock, LAST_POSTS_MS, gone);
    });
  }
}
