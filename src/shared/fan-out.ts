import type { Client } from '../core/client.js';
import { newId } from '../core/client-id.js';
import type { Cancel } from '../core/clock.js';
import { sizeOf } from '../core/message-bytes.js';
import type { Platform } from '../core/platform.js';
import type { Continuity, Message } from '../core/types.js';
import { SLOW_TAB_MS } from './posts.js';
import type { TabPort } from './tab-port.js';

export interface FanOutOptions {
  readonly platform: Pick<Platform, 'clock' | 'random'>;
  /** Whether the sender waits while nothing is read. */
  readonly canHold: boolean;
}

/**
 * Hands on to all members what the client hears. One that takes too little would fill this worker's memory: a plain
 * connection cannot wait for it; a session stops its sender, but not for ever while other tabs wait. A member that is left
 * behind misses messages until it asks to receive again; what it sends is sent as before.
 */
export class FanOut {
  readonly #client: Client;
  readonly #tabPorts: ReadonlySet<TabPort>;
  readonly #options: FanOutOptions;
  /** Names the messages since the last break that was not mended. */
  #epoch = '';
  #received = 0;
  #stopReading: (() => void) | undefined;
  #cancelPatience: Cancel | undefined;

  constructor(client: Client, tabPorts: ReadonlySet<TabPort>, options: FanOutOptions) {
    this.#client = client;
    this.#tabPorts = tabPorts;
    this.#options = options;
    this.#read();
  }

  /** From here on the member hears what comes. */
  begin(tabPort: TabPort, continuity: Continuity): void {
    if (tabPort.isBehind) return;
    const { id, protocol } = this.#client;
    tabPort.opened({ is: 'opened', protocol, connection: id, continuity, epoch: this.#epoch, received: this.#received });
  }

  /** What was on its way at the break is lost: what comes is no sequel. */
  beginEpoch(): void {
    this.#epoch = newId(this.#options.platform.random);
  }

  /** To be called whenever a member has taken something, or is gone. */
  judge(): void {
    const now = this.#options.platform.clock.now();
    let isHeld = false;
    for (const tabPort of [...this.#tabPorts]) {
      if (!tabPort.isFull) tabPort.fullSince = undefined;
      else {
        tabPort.fullSince ??= now;
        const isPatient = this.#options.canHold && (now - tabPort.fullSince < SLOW_TAB_MS || !this.#hasMembersThatKeepUp());
        if (isPatient) isHeld = true;
        else tabPort.behind();
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
    for (const tabPort of this.#tabPorts) tabPort.deliver(message, bytes);
  }

  #hasMembersThatKeepUp(): boolean {
    return [...this.#tabPorts].some(({ isFull, isBehind }) => !isFull && !isBehind);
  }

  #hold(): void {
    this.#stopReading?.();
    this.#stopReading = undefined;
    this.#cancelPatience ??= this.#options.platform.clock.after(SLOW_TAB_MS, () => {
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
