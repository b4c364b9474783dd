import type { Client } from '../../core/client.js';
import type { WebsocketError } from '../../core/errors.js';
import { WIRE_MARK_BYTES } from '../../core/plain-link.js';
import { Queue } from '../../core/queue.js';
import type { Member, Parcel } from './member.js';

/**
 * Hands on what the members sent, in turns, while the wire has room: what waits longer than that is better kept in its
 * tab, where a newer message can take its place and the sender is told to wait.
 */
export class Outflow {
  readonly #client: Client;
  /** In the order in which they send: who has sent goes to the end. */
  readonly #members: Set<Member>;
  /** Accepted from members who have left. */
  readonly #estate = new Queue<Parcel>();
  #waitsForDrain = false;

  constructor(client: Client, members: Set<Member>) {
    this.#client = client;
    this.#members = members;
  }

  /** What it sent is sent, although it is gone. */
  inherit(member: Member): void {
    for (let parcel = member.waiting.shift(); parcel !== undefined; parcel = member.waiting.shift()) this.#estate.push(parcel);
  }

  pump(): void {
    const client = this.#client;
    while (client.isConnectionOpen() && client.bufferedBytes <= WIRE_MARK_BYTES) if (!this.#handNext()) return;
    if (this.#waitsForDrain || !client.isConnectionOpen()) return;
    this.#waitsForDrain = true;
    const drained = () => {
      this.#waitsForDrain = false;
      this.pump();
    };
    client.drained().then(drained, () => {}); // closed: nothing is handed on any more
  }

  /** All of it, whether the wire has room or not: a close frame comes next. What a closed client would not take stays unsent. */
  flush(): void {
    while (this.#client.state !== 'closed' && this.#handNext());
  }

  /** One message: of those who have left, or of the member whose turn it is. */
  #handNext(): boolean {
    const left = this.#estate.shift();
    if (left !== undefined) {
      this.#hand(left);
      return true;
    }
    for (const member of this.#members) {
      const parcel = member.waiting.shift();
      if (parcel === undefined) continue;
      if (this.#members.size > 1) {
        this.#members.delete(member);
        this.#members.add(member);
      }
      this.#hand(parcel, member);
      return true;
    }
    return false;
  }

  #hand({ message }: Parcel, member?: Member): void {
    try {
      if (typeof message === 'string') this.#client.sendMessage(message);
      else this.#client.sendMessageBinary(message);
    } catch (error) {
      member?.refused(message, error as WebsocketError);
    }
    member?.handed();
  }
}
