import type { Client } from '../../core/client.js';
import { newId } from '../../core/client-id.js';
import type { Cancel } from '../../core/clock.js';
import { sizeOf } from '../../core/message-bytes.js';
import type { Platform } from '../../core/platform.js';
import type { Continuity, Message } from '../../core/types.js';
import type { Member } from './member.js';
import { SLOW_TAB_MS } from './posts.js';

export interface InflowHost {
  readonly platform: Pick<Platform, 'clock' | 'random'>;
  /** Whether the sender waits while nothing is read. */
  readonly canHold: boolean;
}

/**
 * Hands on to all members what the client hears. One that takes too little would fill this worker's memory: a plain
 * connection cannot wait for it; a session stops its sender, but not for ever while other tabs wait. A member that is left
 * behind misses messages until it asks to receive again; what it sends is sent as before.
 */
export class Inflow {
  readonly #client: Client;
  readonly #members: ReadonlySet<Member>;
  readonly #host: InflowHost;
  /** Names the messages since the last break that was not mended. */
  #row = '';
  #received = 0;
  #stopReading: (() => void) | undefined;
  #cancelPatience: Cancel | undefined;

  constructor(client: Client, members: ReadonlySet<Member>, host: InflowHost) {
    this.#client = client;
    this.#members = members;
    this.#host = host;
    this.#read();
  }

  /** From here on the member hears what comes. */
  begin(member: Member, continuity: Continuity): void {
    if (member.isBehind) return;
    const { id, protocol } = this.#client;
    member.opened({ is: 'opened', protocol, connection: id, continuity, row: this.#row, received: this.#received });
  }

  /** What was on its way at the break is lost: what comes is no sequel. */
  beginRow(): void {
    this.#row = newId(this.#host.platform.random);
  }

  /** To be called whenever a member has taken something, or is gone. */
  judge(): void {
    const now = this.#host.platform.clock.now();
    let isHeld = false;
    for (const member of [...this.#members]) {
      if (!member.isFull) member.fullSince = undefined;
      else {
        member.fullSince ??= now;
        const isPatient = this.#host.canHold && (now - member.fullSince < SLOW_TAB_MS || !this.#hasMembersThatKeepUp());
        if (isPatient) isHeld = true;
        else member.behind();
      }
    }
    if (isHeld) this.#hold();
    else this.#release();
  }

  /** What a slow tab held back; the client is closed, and there is nothing to hold any more. */
  end(): void {
    this.#cancelPatience?.();
    for (let next = this.#client.getMessage(); next !== undefined && 'message' in next; next = this.#client.getMessage()) {
      this.#fanOut(next.message);
    }
  }

  #read(): void {
    this.#stopReading ??= this.#client.on('message', (message) => {
      this.#fanOut(message);
      this.judge();
    });
  }

  #fanOut(message: Message): void {
    const bytes = sizeOf(message);
    this.#received += 1;
    for (const member of this.#members) member.deliver(message, bytes);
  }

  #hasMembersThatKeepUp(): boolean {
    return [...this.#members].some(({ isFull, isBehind }) => !isFull && !isBehind);
  }

  #hold(): void {
    this.#stopReading?.();
    this.#stopReading = undefined;
    this.#cancelPatience ??= this.#host.platform.clock.after(SLOW_TAB_MS, () => {
      this.#cancelPatience = undefined;
      this.judge();
    });
  }

  #release(): void {
    this.#cancelPatience?.();
    this.#cancelPatience = undefined;
    this.#read();
  }
}
