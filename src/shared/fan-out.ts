import type { Client } from '../core/client.js';
import type { Cancel } from '../core/clock.js';
import type { RecordRelay } from '../core/extension.js';
import { sizeOf } from '../core/message-bytes.js';
import type { Platform } from '../core/platform.js';
import type { Continuity, Message } from '../core/types.js';
import { newId } from '../core/util.js';
import { SLOW_TAB_MS } from './posts.js';
import type { TabPort } from './tab-port.js';

export interface FanOutOptions {
  readonly platform: Pick<Platform, 'clock' | 'random'>;
  /** Whether the peer stops sending while nothing is read. */
  readonly canHold: boolean;
  /** The server, as the extensions of the tabs see it. */
  readonly relay: Pick<RecordRelay, 'features' | 'maxBodyBytes'> | undefined;
}

/**
 * Delivers the messages of the client to all tabs. A tab that reads too slowly would fill this worker's memory: a plain connection
 * continues without it; a session stops the peer, but only for a limited time while other tabs wait. A tab that fell behind misses
 * messages until it asks to receive again; its own messages are sent as before.
 */
export class FanOut {
  readonly #client: Client;
  readonly #tabPorts: ReadonlySet<TabPort>;
  readonly #options: FanOutOptions;
  /** Names the messages since the last disconnect that lost some. */
  #epoch = '';
  #received = 0;
  #stopReading: (() => void) | undefined;
  #cancelHold: Cancel | undefined;

  constructor(client: Client, tabPorts: ReadonlySet<TabPort>, options: FanOutOptions) {
    this.#client = client;
    this.#tabPorts = tabPorts;
    this.#options = options;
    this.#read();
  }

  /** From here on the tab receives messages. */
  begin(tabPort: TabPort, continuity: Continuity): void {
    if (tabPort.isBehind) return;
    const { id, protocol } = this.#client;
    const { features = 0, maxBodyBytes = 0 } = this.#options.relay ?? {};
    const known = { protocol, connection: id, continuity, epoch: this.#epoch, received: this.#received };
    tabPort.opened({ is: 'opened', ...known, features, maxBodyBytes });
  }

  /** Messages in transit were lost at the disconnect: those that follow are a new series. */
  beginEpoch(): void {
    this.#epoch = newId(this.#options.platform.random);
  }

  /** To be called whenever a tab has taken messages or has left. */
  update(): void {
    const now = this.#options.platform.clock.now();
    let isHeld = false;
    for (const tabPort of [...this.#tabPorts]) {
      if (!tabPort.isFull) tabPort.fullSince = undefined;
      else {
        tabPort.fullSince ??= now;
        const mayHold = this.#options.canHold && (now - tabPort.fullSince < SLOW_TAB_MS || !this.#hasFastTabs());
        if (mayHold) isHeld = true;
        else tabPort.fellBehind();
      }
    }
    if (isHeld) this.#hold();
    else this.#release();
  }

  /** The client is closed: delivers the messages that a slow tab had held up. */
  end(): void {
    this.#cancelHold?.();
    for (let next = this.#client.getMessage(); next !== undefined && 'message' in next; next = this.#client.getMessage()) {
      this.#deliver(next.message);
    }
  }

  #read(): void {
    this.#stopReading ??= this.#client.on('message', (message) => {
      this.#deliver(message);
      this.update();
    });
  }

  #deliver(message: Message): void {
    const bytes = sizeOf(message);
    this.#received += 1;
    for (const tabPort of this.#tabPorts) tabPort.deliver(message, bytes);
  }

  #hasFastTabs(): boolean {
    return [...this.#tabPorts].some(({ isFull, isBehind }) => !isFull && !isBehind);
  }

  #hold(): void {
    this.#stopReading?.();
    this.#stopReading = undefined;
    this.#cancelHold ??= this.#options.platform.clock.after(SLOW_TAB_MS, () => {
      this.#cancelHold = undefined;
      this.update();
    });
  }

  #release(): void {
    this.#cancelHold?.();
    this.#cancelHold = undefined;
    this.#read();
  }
}
