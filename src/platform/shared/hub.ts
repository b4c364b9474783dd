import { newId } from '../../core/client-id.js';
import { CloseCode } from '../../core/close-codes.js';
import type { HubClientHost } from './hub-client.js';
import type { Locks } from './locks.js';
import { type Join, Member } from './member.js';
import type { PortLike, ToHub } from './posts.js';
import { SharedConnection } from './shared-connection.js';

export interface HubHost extends HubClientHost {
  /** Undefined where hub and tab live and die together. */
  readonly locks: Locks | undefined;
}

/** For what a tab posted before it was gone to arrive: far more than a busy machine needs, and soon enough for a crash. */
const LAST_WORDS_MS = 1_000;

/** What the worker is: it brings the logical clients of all tabs together, one port for each. */
export class Hub {
  readonly #host: HubHost;
  readonly #connections = new Map<string, SharedConnection>();
  readonly #lock: string;
  #isHeld = false;
  #whenHeld: (() => void)[] = [];

  constructor(host: HubHost) {
    this.#host = host;
    this.#lock = `gemsocket hub ${newId(host.platform.random)}`;
    host.locks?.hold(this.#lock, () => {
      this.#isHeld = true;
      for (const tell of this.#whenHeld) tell();
      this.#whenHeld = [];
    });
  }

  accept(port: PortLike): void {
    let seat: { readonly member: Member; readonly connection: SharedConnection } | undefined;
    port.onmessage = ({ data }) => {
      for (const post of data as readonly ToHub[]) {
        if (seat !== undefined) this.#take(seat.member, seat.connection, post);
        else if (post.is === 'join') seat = this.#join(post, port);
      }
      seat?.connection.pump();
    };
  }

  #join(join: Join, port: PortLike): { member: Member; connection: SharedConnection } {
    const member = new Member(join, port);
    this.#tellLock(member);
    const connection = this.#connectionFor(join);
    connection.add(member);
    return { member, connection };
  }

  #connectionFor(join: Join): SharedConnection {
    const { key } = join;
    const found = key === undefined ? undefined : this.#connections.get(key);
    if (found !== undefined) return found;
    const connection = new SharedConnection(join, this.#host, () => {
      if (key !== undefined && this.#connections.get(key) === connection) this.#connections.delete(key);
    });
    if (key !== undefined) this.#connections.set(key, connection);
    return connection;
  }

  #tellLock(member: Member): void {
    if (this.#host.locks === undefined) return;
    const tell = () => member.post({ is: 'holds', lock: this.#lock });
    if (this.#isHeld) tell();
    else this.#whenHeld.push(tell);
  }

  /** The lock may be free before the last that the tab posted is here: they come by different ways. */
  #watch(member: Member, connection: SharedConnection, lock: string): void {
    const gone = () => connection.leave(member, CloseCode.goingAway, 'tab gone');
    member.unwatch = this.#host.locks?.whenFree(lock, () => {
      member.unwatch = this.#host.platform.clock.after(LAST_WORDS_MS, gone);
    });
  }

  #take(member: Member, connection: SharedConnection, post: ToHub): void {
    switch (post.is) {
      case 'holds':
        this.#watch(member, connection, post.lock);
        break;
      case 'message':
        member.sent(post);
        break;
      case 'taken':
        connection.taken(member, post.bytes);
        break;
      case 'address':
      case 'noAddress':
        connection.answered(member, post);
        break;
      case 'wake':
        connection.wake(member);
        break;
      case 'close':
        connection.close(member, post.code, post.reason);
        break;
      case 'leave':
        connection.leave(member, post.code, post.reason);
        break;
    }
  }
}
