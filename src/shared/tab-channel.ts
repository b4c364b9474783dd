import type { ChannelSink, Leftover } from '../core/channel.js';
import type { ChannelOptions } from '../core/client-parts.js';
import type { OutboxBounds } from '../core/options.js';
import { PlainChannel } from '../core/plain-channel.js';
import type { Delivery, Message } from '../core/types.js';
import { HubTransport } from './hub-transport.js';
import type { ToHub } from './posts.js';
import { ReceiveWindow } from './receive-window.js';

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
