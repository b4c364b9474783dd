import type { ChannelSink, Leftover } from '../core/channel.js';
import type { ChannelOptions } from '../core/client-parts.js';
import type { OutboxBounds } from '../core/options.js';
import { PlainChannel } from '../core/plain-channel.js';
import type { Delivery, Message } from '../core/types.js';
import { HubTransport } from './hub-transport.js';
import { postCost, type ToHub } from './posts.js';

export interface TabChannelEvents {
  post(post: ToHub): void;
  /** The inbox is full and the connection closing: messages are dropped from now on. Called once. */
  dropped(): void;
}

/** The channel of a tab over a hub: a plain channel whose transport posts to the hub, and a window for the messages received. */
export class TabChannel {
  readonly #transport: HubTransport;
  readonly #plain: PlainChannel;
  readonly #receiveWindow: ReceiveWindow;
  /** Whether the plain channel counts the transport's bytes among its own. */
  #isAttached = false;
  #ready = (): void => {};

  constructor(bounds: OutboxBounds, session: ChannelOptions | undefined, sink: ChannelSink, events: TabChannelEvents) {
    this.#transport = new HubTransport(session?.replayBytes, sink, events);
    this.#receiveWindow = new ReceiveWindow(session !== undefined, sink, events);
    this.#plain = new PlainChannel(
      {
        sink: {
          deliver: (message, bytes) => this.#receiveWindow.deliver(message, bytes),
          sent: () => {}, // the transport reports it
          shed: () => sink.shed(),
          drained: () => sink.drained(),
          measured: () => {},
        },
        control: {
          ready: () => this.#ready(),
          pong: () => {},
          fail: () => {},
          ended: () => {},
          terminate: () => {},
          retryAfter: () => {},
          undelivered: () => {},
        },
      },
      bounds,
    );
  }

  get bufferedBytes(): number {
    return this.#plain.bufferedBytes + (this.#isAttached ? 0 : this.#transport.bufferedBytes);
  }

  get protocol(): string {
    return this.#transport.protocol;
  }

  /** Whether the application has left messages of this port unread. */
  get hasUnread(): boolean {
    return this.#receiveWindow.hasUnread;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number {
    const elsewhere = this.#isAttached ? 0 : this.#transport.bufferedBytes;
    return elsewhere + this.#plain.send(message, bytes, delivery);
  }

  consumed(bytes: number): void {
    this.#receiveWindow.consumed(bytes);
  }

  /** Nothing more is posted. Messages that the hub did not hand on count as never sent, like those that wait here. */
  end(): Leftover {
    this.close(0, '');
    return this.#transport.end();
  }

  /** Whether the hub can close the connection behind all accepted messages. */
  get isJoined(): boolean {
    return this.#transport.isJoined;
  }

  /** The port is released; another one follows. */
  restart(): void {
    this.#transport.isJoined = false;
    this.#receiveWindow.restart();
  }

  /**
   * @param ready called before the waiting messages are sent, with the messages that an earlier connection had in transit: it is not
   * known whether they arrived.
   */
  opened(protocol: string, connection: string, ready: (lost: readonly Message[]) => void): void {
    const lost = this.#transport.opened(protocol, connection);
    this.#attach(() => ready(lost));
  }

  received(message: Message, bytes: number): void {
    this.#plain.received(message, bytes);
  }

  handed(messages: number): void {
    this.#transport.handed(messages);
    this.#plain.drained();
  }

  /** The server has acknowledged so many messages, the oldest; or they are to be handed back. */
  settled(messages: number): readonly Message[] {
    const settled = this.#transport.settled(messages);
    this.#plain.drained();
    return settled;
  }

  /** The hub has no open connection. Messages in transit wait in the worker, and still count as buffered. */
  disconnected(): void {
    this.#isAttached = false;
    this.#plain.detach();
  }

  /** The tab leaves the hub. Messages in transit are the hub's. */
  left(): void {
    this.#transport.left();
    this.disconnected();
  }

  /** Without an open connection, the hub still takes the waiting messages, and then the close. */
  close(code: number, reason: string): void {
    if (!this.#isAttached) this.#attach(() => {});
    this.#plain.close(code, reason);
  }

  /** Messages that are received from now on are dropped. */
  cut(): void {
    this.#receiveWindow.cut();
  }

  #attach(ready: () => void): void {
    this.#isAttached = true;
    this.#ready = ready;
    this.#plain.attach(this.#transport);
  }
}

/**
 * Counts the messages from the hub that were taken. With a session, a message is taken when the application reads it, so that the
 * peer waits for a slow reader; otherwise when it is received, because the inbox has its own bounds.
 */
class ReceiveWindow {
  readonly #countsReading: boolean;
  readonly #sink: Pick<ChannelSink, 'deliver'>;
  readonly #events: TabChannelEvents;
  #unread = 0;
  /** Those of the unread messages that an earlier port brought: they are not counted for this one. */
  #unreadOfEarlierPort = 0;
  #owedBytes = 0;
  #tail: 'kept' | 'cut' | 'reported' = 'kept';

  constructor(countsReading: boolean, sink: Pick<ChannelSink, 'deliver'>, events: TabChannelEvents) {
    this.#countsReading = countsReading;
    this.#sink = sink;
    this.#events = events;
  }

  get hasUnread(): boolean {
    return this.#unread > this.#unreadOfEarlierPort;
  }

  /** From here on another port counts. */
  restart(): void {
    this.#owedBytes = 0;
    this.#unreadOfEarlierPort = this.#unread;
  }

  deliver(message: string | Uint8Array, bytes: number): void {
    if (!this.#countsReading) this.#owe(bytes);
    if (this.#tail === 'kept') {
      this.#unread += 1;
      this.#sink.deliver(message, bytes);
    } else if (this.#tail === 'cut') {
      this.#tail = 'reported';
      this.#events.dropped();
    }
  }

  consumed(bytes: number): void {
    this.#unread -= 1;
    if (this.#unreadOfEarlierPort > 0) this.#unreadOfEarlierPort -= 1;
    else if (this.#countsReading) this.#owe(bytes);
  }

  /** Messages that are received from now on are dropped. */
  cut(): void {
    this.#tail = 'cut';
  }

  #owe(bytes: number): void {
    if (this.#owedBytes === 0) {
      queueMicrotask(() => {
        if (this.#owedBytes > 0) this.#events.post({ is: 'taken', bytes: this.#owedBytes });
        this.#owedBytes = 0;
      });
    }
    this.#owedBytes += postCost(bytes);
  }
}
