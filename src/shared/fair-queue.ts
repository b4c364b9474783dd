import type { Client } from '../core/client.js';
import { TRANSPORT_MARK_BYTES } from '../core/plain-channel.js';
import { Queue } from '../core/queue.js';
import type { Message } from '../core/types.js';
import type { TabMessage, TabPort } from './tab-port.js';

/**
 * Hands on what the members sent, in turns, while the transport has room: what waits longer than that is better kept in its
 * tab, where a newer message can take its place and the sender is told to wait. Each member is told what becomes of its own
 * messages, because its tab keeps them until they are safe.
 */
export class FairQueue {
  readonly #client: Client;
  /** In the order in which they send: who has sent goes to the end. */
  readonly #tabPorts: Set<TabPort>;
  readonly #hasSession: boolean;
  /** Accepted from members who have left. */
  readonly #estate = new Queue<TabMessage>();
  /** With a session: whose the messages are that the server has not acknowledged, oldest first. */
  readonly #owners = new Queue<TabPort>();
  #waitsForDrain = false;

  constructor(client: Client, tabPorts: Set<TabPort>, hasSession: boolean) {
    this.#client = client;
    this.#tabPorts = tabPorts;
    this.#hasSession = hasSession;
  }

  /** What it sent is sent, although it is gone. */
  inherit(tabPort: TabPort): void {
    for (let queued = tabPort.waiting.shift(); queued !== undefined; queued = tabPort.waiting.shift()) this.#estate.push(queued);
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
    client.drained().then(drained, () => {}); // closed: nothing is handed on any more
  }

  /** All of it, whether the transport has room or not: a close frame comes next. */
  flush(): void {
    this.#handSome(Number.POSITIVE_INFINITY);
  }

  /** So many of the oldest. */
  acknowledged(messages: number): void {
    for (let count = 0; count < messages; count++) this.#owners.shift()?.count('acknowledged');
  }

  /** The oldest, with their session. Each tab hands back its own, and one of them those of tabs that are gone. */
  returned(messages: readonly Message[]): void {
    const strays = messages.filter(() => {
      const owner = this.#owners.shift();
      owner?.count('returned');
      return owner?.isOver !== false;
    });
    const [first] = this.#tabPorts;
    if (strays.length > 0) first?.post({ is: 'undelivered', messages: strays });
  }

  /** As much as there is room for, and one message more. The tabs are told first: what they still keep when this worker dies was never sent. */
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

  /** One message: of those who have left, or of the member whose turn it is. */
  #next(): TabMessage | undefined {
    const left = this.#estate.shift();
    if (left !== undefined) return left;
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
