import type { Leftover } from '../core/channel.js';
import { sizeOf } from '../core/message-bytes.js';
import { Queue } from '../core/queue.js';
import type { Transport } from '../core/transport.js';
import type { Message } from '../core/types.js';
import type { ToHub } from './posts.js';

interface PostedMessage {
  readonly message: string | Uint8Array<ArrayBuffer>;
  readonly bytes: number;
}

export interface HubTransportEvents {
  post(post: ToHub): void;
  sent(bytes: number): void;
}

/** What a message takes here beside its bytes. */
const KEPT_COST = 128;

/**
 * The shared connection, as the link of a tab sees it. The worker may die at any time, so a message is kept here until the
 * hub hands it to the network, which is its buffer, and with a session until the server has acknowledged it.
 */
export class HubTransport implements Transport {
  protocol = '';
  /** The connection has been open for the present seat, so that it is known what became of all that was posted. */
  isJoined = false;
  readonly #events: HubTransportEvents;
  readonly #replayBytes: number | undefined;
  /** Not yet handed on by a hub. */
  readonly #posted = new Queue<PostedMessage>();
  /** With a session: handed on and not acknowledged. */
  readonly #handed = new Queue<PostedMessage>();
  #postedBytes = 0;
  #handedBytes = 0;
  #connection = '';

  /** @param replayBytes how much may be unacknowledged; undefined: nothing is acknowledged. */
  constructor(replayBytes: number | undefined, events: HubTransportEvents) {
    this.#replayBytes = replayBytes;
    this.#events = events;
  }

  /** What is unacknowledged beyond its bound counts, too, so that the sender waits. */
  get bufferedBytes(): number {
    return this.#postedBytes + Math.max(0, this.#handedBytes - (this.#replayBytes ?? 0));
  }

  send(message: PostedMessage['message']): void {
    const bytes = sizeOf(message);
    this.#posted.push({ message, bytes });
    this.#postedBytes += bytes;
    this.#events.post({ is: 'message', message, bytes });
  }

  /** So many of the oldest. */
  handed(messages?: number): void {
    for (const posted of taken(this.#posted, messages)) {
      this.#postedBytes -= posted.bytes;
      this.#events.sent(posted.bytes);
      if (this.#replayBytes === undefined) continue;
      this.#handed.push(posted);
      this.#handedBytes += posted.bytes + KEPT_COST;
    }
  }

  /** So many of the oldest that were handed on are acknowledged, or are to be handed back. */
  settled(messages?: number): Message[] {
    return taken(this.#handed, messages).map(({ message, bytes }) => {
      this.#handedBytes -= bytes + KEPT_COST;
      return message;
    });
  }

  /** The tab leaves its hub, which goes on with all that was posted: nothing, where the connection has not been open for this seat. */
  left(): void {
    if (this.isJoined) this.handed();
  }

  /**
   * A hub's connection is open.
   *
   * @returns what an earlier connection had on its way. What that one never handed on is sent again.
   */
  joined(protocol: string, connection: string): Message[] {
    this.protocol = protocol;
    const isSame = connection === this.#connection;
    this.#connection = connection;
    const settled = isSame && this.isJoined ? [] : this.settled();
    this.isJoined = true;
    if (isSame) return [];
    this.#postedBytes = 0;
    for (const { message } of taken(this.#posted)) this.send(message);
    return settled;
  }

  /** Nothing is posted any more. */
  end(): Leftover {
    const unsent = { messages: this.#posted.length, bytes: this.#postedBytes };
    if (this.#replayBytes === undefined) return unsent;
    const posted = taken(this.#posted).map(({ message }) => message);
    return { ...unsent, undelivered: [...this.settled(), ...posted] };
  }

  close(code: number, reason: string): void {
    this.#events.post({ is: 'close', code, reason });
  }

  detach(): void {}
}

function taken(queue: Queue<PostedMessage>, count = queue.length): PostedMessage[] {
  return Array.from({ length: Math.min(count, queue.length) }, () => queue.shift() as PostedMessage);
}
