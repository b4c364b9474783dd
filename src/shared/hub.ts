import { newId } from '../core/client-id.js';
import * as CloseCode from '../core/close-code.js';
import type { HubClientEnvironment } from './hub-client.js';
import type { Locks } from './locks.js';
import type { PortLike, ToHub } from './posts.js';
import { SharedConnection } from './shared-connection.js';
import { type Join, TabPort } from './tab-port.js';

export interface HubEnvironment extends HubClientEnvironment {
  /** Undefined where hub and tab live and die together. */
  readonly locks: Locks | undefined;
}

/** For what a tab posted before it was gone to arrive: far more than a busy machine needs, and soon enough for a crash. */
const LAST_WORDS_MS = 1_000;

/** What the worker is: it brings the logical clients of all tabs together, one port for each. */
export class Hub {
  readonly #environment: HubEnvironment;
  readonly #connections = new Map<string, SharedConnection>();
  readonly #lock: string;
  #isHeld = false;
  #whenHeld: (() => void)[] = [];

  constructor(environment: HubEnvironment) {
    this.#environment = environment;
    this.#lock = `gemsocket hub ${newId(environment.platform.random)}`;
    environment.locks?.hold(this.#lock, () => {
      this.#isHeld = true;
      for (const tell of this.#whenHeld) tell();
      this.#whenHeld = [];
    });
  }

  accept(port: PortLike): void {
    let seat: { readonly tabPort: TabPort; readonly connection: SharedConnection } | undefined;
    port.onmessage = ({ data }) => {
      for (const post of data as readonly ToHub[]) {
        if (seat !== undefined) this.#take(seat.tabPort, seat.connection, post);
        else if (post.is === 'join') seat = this.#join(post, port);
      }
      seat?.connection.pump();
    };
  }

  #join(join: Join, port: PortLike): { tabPort: TabPort; connection: SharedConnection } {
    const tabPort = new TabPort(join, port);
    this.#tellLock(tabPort);
    const connection = this.#connectionFor(join);
    connection.add(tabPort);
    return { tabPort, connection };
  }

  #connectionFor(join: Join): SharedConnection {
    const { key } = join;
    const found = key === undefined ? undefined : this.#connections.get(key);
    if (found !== undefined) return found;
    const connection = new SharedConnection(join, this.#environment, () => {
      if (key !== undefined && this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    if (key !== undefined) this.#connections.set(key, connection);
    return connection;
  }

  #tellLock(tabPort: TabPort): void {
    if (this.#environment.locks === undefined) return;
    const tell = () => tabPort.post({ is: 'holds', lock: this.#lock });
    if (this.#isHeld) tell();
    else this.#whenHeld.push(tell);
  }

  /** The lock may be free before the last that the tab posted is here: they come by different ways. */
  #watch(tabPort: TabPort, connection: SharedConnection, lock: string): void {
    const gone = () => connection.leave(tabPort, CloseCode.goingAway, 'tab gone');
    tabPort.unwatch = this.#environment.locks?.whenFree(lock, () => {
      tabPort.unwatch = this.#environment.platform.clock.after(LAST_WORDS_MS, gone);
    });
  }

  #take(tabPort: TabPort, connection: SharedConnection, post: ToHub): void {
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
