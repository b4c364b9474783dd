import type { Client } from '../../core/client.js';
import { WIRE_MARK_BYTES } from '../../core/plain-link.js';
import { Queue } from '../../core/queue.js';
import type { Message } from '../../core/types.js';
import type { Member, Parcel } from './member.js';

/**
 * Hands on what the members sent, in turns, while the wire has room: what waits longer than that is better kept in its
 * tab, where a newer message can take its place and the sender is told to wait. Each member is told what becomes of its own
 * messages, because its tab keeps them until they are safe.
 */
export class Outflow {
  readonly #client: Client;
  /** In the order in which they send: who has sent goes to the end. */
  readonly #members: Set<Member>;
  readonly #hasSession: boolean;
  /** Accepted from members who have left. */
  readonly #estate = new Queue<Parcel>();
  /** With a session: whose the messages are that the server has not acknowledged, oldest first. */
  readonly #owners = new Queue<Member>();
  #waitsForDrain = false;

  constructor(client: Client, members: Set<Member>, hasSession: boolean) {
    this.#client = client;
    this.#members = members;
    this.#hasSession = hasSession;
  }

  /** What it sent is sent, although it is gone. */
  inherit(member: Member): void {
    for (let parcel = member.waiting.shift(); parcel !== undefined; parcel = member.waiting.shift()) this.#estate.push(parcel);
  }

  pump(): void {
    const client = this.#client;
    while (client.isConnectionOpen() && client.bufferedBytes <= WIRE_MARK_BYTES) {
      if (!this.#handSome(WIRE_MARK_BYTES - client.bufferedBytes)) return;
    }
    if (this.#waitsForDrain || !client.isConnectionOpen()) return;
    this.#waitsForDrain = true;
    const drained = () => {
      this.#waitsForDrain = false;
      this.pump();
    };
    client.drained().then(drained, () => {}); // closed: nothing is handed on any more
  }

  /** All of it, whether the wire has room or not: a close frame comes next. */
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
    const [first] = this.#members;
    if (strays.length > 0) first?.post({ is: 'undelivered', messages: strays });
  }

  /** As much as there is room for, and one message more. The tabs are told first: what they still keep when this worker dies was never sent. */
  #handSome(roomBytes: number): boolean {
    const parcels: Parcel[] = [];
    const owners = new Set<Member>();
    for (let bytes = 0; bytes <= roomBytes; ) {
      const parcel = this.#next();
      if (parcel === undefined) break;
      parcels.push(parcel);
      owners.add(parcel.owner);
      bytes += parcel.bytes;
      parcel.owner.count('handed');
    }
    for (const owner of owners) owner.flush();
    for (const parcel of parcels) this.#hand(parcel);
    return parcels.length > 0;
  }

  /** One message: of those who have left, or of the member whose turn it is. */
  #next(): Parcel | undefined {
    const left = this.#estate.shift();
    if (left !== undefined) return left;
    for (const member of this.#members) {
      const parcel = member.waiting.shift();
      if (parcel === undefined) continue;
      if (this.#members.size > 1) {
        this.#members.delete(member);
        this.#members.add(member);
      }
      return parcel;
    }
    return undefined;
  }

  #hand({ message, owner }: Parcel): void {
    if (this.#hasSession) this.#owners.push(owner);
    if (typeof message === 'string') this.#client.sendMessage(message);
    else this.#client.sendMessageBinary(message);
  }
}
