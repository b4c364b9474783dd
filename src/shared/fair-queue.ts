import type { Client } from '../core/client.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import { Queue } from '../core/queue.js';
import type { Message } from '../core/types.js';
import type { TabMessage, TabPort } from './tab-port.js';

/**
 * Hands on the messages of the tabs in round-robin order while the transport has room. The others wait in their tab, where a newer
 * message can replace them and sends return false. Each tab gets counts of its messages, because it keeps them until they are settled.
 */
export class FairQueue {
  readonly #client: Client;
  /** In round-robin order: a tab that has sent goes to the end. */
  readonly #tabPorts: Set<TabPort>;
  readonly #hasSession: boolean;
  /** Messages of tabs that have left. */
  readonly #orphans = new Queue<TabMessage>();
  /** With a session: the tab of each message that the server has not acknowledged, oldest first. */
  readonly #owners = new Queue<TabPort>();
  #waitsForDrain = false;

  constructor(client: Client, tabPorts: Set<TabPort>, hasSession: boolean) {
    this.#client = client;
    this.#tabPorts = tabPorts;
    this.#hasSession = hasSession;
  }

  /** The messages of a tab that leaves are still sent. */
  inherit(tabPort: TabPort): void {
    for (let queued = tabPort.waiting.shift(); queued !== undefined; queued = tabPort.waiting.shift()) this.#orphans.push(queued);
  }

  pump(): void {
    const client = this.#client;
    while (client.isConnectionOpen() && client.bufferedBytes <= TRANSPORT_MARK_BYTES) {
      if (!this.#handSome(TRANSPORT_MARK_BYTES - client.bufferedBytes)) return;
    }
    if (this.#waitsForDrain || !client.isConnectionOpen()) return;
    this.#waitsForDrain = true;
    const drained = () => {
      this.#waitsForDrain = false;
      this.pump();
    };
    client.drained().then(drained, () => {}); // closed: nothing more is handed on
  }

  /** Hands on all messages, whether the transport has room or not, because a close frame follows. */
  flush(): void {
    this.#handSome(Number.POSITIVE_INFINITY);
  }

  /** The server has acknowledged so many messages, the oldest. */
  acknowledged(messages: number): void {
    for (let count = 0; count < messages; count++) this.#owners.shift()?.count('acknowledged');
  }

  /** The session of the oldest messages is lost. Each tab hands back its own, and one tab those of the tabs that have ended. */
  returned(messages: readonly Message[]): void {
    const strays = messages.filter(() => {
      const owner = this.#owners.shift();
      owner?.count('returned');
      return owner?.isOver !== false;
    });
    const [first] = this.#tabPorts;
    if (strays.length > 0) first?.post({ is: 'undelivered', messages: strays });
  }

  /** As much as there is room for, and one message more. The counts leave first: if this worker dies, the messages that a tab still keeps were never sent. */
  #handSome(roomBytes: number): boolean {
    const batch: TabMessage[] = [];
    const owners = new Set<TabPort>();
    for (let bytes = 0; bytes <= roomBytes; ) {
      const queued = this.#next();
      if (queued === undefined) break;
      batch.push(queued);
      owners.add(queued.owner);
      bytes += queued.bytes;
      queued.owner.count('handed');
    }
    for (const owner of owners) owner.flush();
    for (const queued of batch) this.#hand(queued);
    return batch.length > 0;
  }

  /** The next message: of a tab that has left, or of the next tab in order. */
  #next(): TabMessage | undefined {
    const orphan = this.#orphans.shift();
    if (orphan !== undefined) return orphan;
    for (const tabPort of this.#tabPorts) {
      const queued = tabPort.waiting.shift();
      if (queued === undefined) continue;
      if (this.#tabPorts.size > 1) {
        this.#tabPorts.delete(tabPort);
        this.#tabPorts.add(tabPort);
      }
      return queued;
    }
    return undefined;
  }

  #hand({ message, owner }: TabMessage): void {
    if (this.#hasSession) this.#owners.push(owner);
    if (typeof message === 'string') this.#client.sendMessage(message);
    else this.#client.sendMessageBinary(message);
  }
}
