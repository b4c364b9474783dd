import { deadline } from '../core/clock.js';
import * as CloseCode from '../core/close-code.js';
import { newId } from '../core/util.js';
import type { HubClientEnvironment } from './hub-client.js';
import type { Locks, PortLike } from './port.js';
import type { Join, ToHub } from './posts.js';
import { SharedConnection } from './shared-connection.js';
import { TabPort } from './tab-port.js';

export interface HubEnvironment extends HubClientEnvironment {
  /** Undefined where the hub lives and ends with its tab. */
  readonly locks: Locks | undefined;
}

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
    let joined: { readonly tabPort: TabPort; readonly connection: SharedConnection } | undefined;
    port.onmessage = ({ data }) => {
      for (const post of data as readonly ToHub[]) {
        if (joined !== undefined) this.#receive(joined.tabPort, joined.connection, post);
        else if (post.is === 'join') joined = this.#join(post, port);
      }
      joined?.connection.pump();
    };
  }

  #join(join: Join, port: PortLike): { tabPort: TabPort; connection: SharedConnection } {
    const tabPort = new TabPort(join, port);
    void this.#held.then(() => tabPort.post({ is: 'holds', lock: this.#lock }));
    const connection = this.#connectionFor(join);
    connection.add(tabPort);
    return { tabPort, connection };
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

  #receive(tabPort: TabPort, connection: SharedConnection, post: ToHub): void {
    switch (post.is) {
      case 'holds':
        this.#watch(tabPort, connection, post.lock);
        break;
      case 'message':
        tabPort.sent(post);
        break;
      case 'taken':
        connection.taken(tabPort, post.bytes);
        break;
      case 'address':
      case 'noAddress':
        connection.answered(tabPort, post);
        break;
      case 'visibility':
        tabPort.isVisible = post.isVisible;
        break;
      case 'wake':
        connection.wake(tabPort);
        break;
      case 'close':
        connection.close(tabPort, post.code, post.reason);
        break;
      case 'leave':
        connection.leave(tabPort, post.code, post.reason);
        break;
    }
  }
}
