import type { ChannelSink, Leftover } from '../core/channel.js';
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
}

/** Memory that a kept message takes beside its bytes. */
const KEPT_COST = 128;

/**
 * The transport of a tab: posts messages to the hub. Because the worker may end at any time, a message is kept here until the hub
 * hands it to the network, and with a session until the server has acknowledged it.
 */
export class HubTransport implements Transport {
  protocol = '';
  /** The connection has been open on the present port, so that the fate of every posted message is known. */
  isJoined = false;
  readonly #sink: Pick<ChannelSink, 'sent'>;
  readonly #events: HubTransportEvents;
  readonly #replayBytes: number | undefined;
  /** Not handed on by a hub yet. */
  readonly #posted = new Queue<PostedMessage>();
  /** With a session: handed on and not acknowledged. */
  readonly #handed = new Queue<PostedMessage>();
  #postedBytes = 0;
  #handedBytes = 0;
  #connection = '';

  /** @param replayBytes how many bytes may be unacknowledged; undefined: messages are not acknowledged. */
  constructor(replayBytes: number | undefined, sink: Pick<ChannelSink, 'sent'>, events: HubTransportEvents) {
    this.#replayBytes = replayBytes;
    this.#sink = sink;
    this.#events = events;
  }

  /** Includes the unacknowledged bytes over their bound, so that sends return false. */
  get bufferedBytes(): number {
    return this.#postedBytes + Math.max(0, this.#handedBytes - (this.#replayBytes ?? 0));
  }

  send(message: PostedMessage['message']): void {
    const bytes = sizeOf(message);
    this.#posted.push({ message, bytes });
    this.#postedBytes += bytes;
    this.#events.post({ is: 'message', message, bytes });
  }

  /** The hub hands on so many messages, the oldest; left out: all. */
  handed(messages?: number): void {
    for (const posted of taken(this.#posted, messages)) {
      this.#postedBytes -= posted.bytes;
      this.#sink.sent(posted.bytes);
      if (this.#replayBytes === undefined) continue;
      this.#handed.push(posted);
      this.#handedBytes += posted.bytes + KEPT_COST;
    }
  }

  /** The oldest messages that were handed on are acknowledged, or to be handed back. */
  settled(messages?: number): Message[] {
    return taken(this.#handed, messages).map(({ message, bytes }) => {
      this.#handedBytes -= bytes + KEPT_COST;
      return message;
    });
  }

  /** The tab leaves its hub, which sends all posted messages if the connection has been open on this port, and otherwise none. */
  left(): void {
    if (this.isJoined) this.handed();
  }

  /**
   * The connection of the hub is open. Messages that an earlier connection never handed on are sent again.
   *
   * @returns the messages that an earlier connection had in transit.
   */
  opened(protocol: string, connection: string): Message[] {
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

  /** Nothing more is posted. */
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
