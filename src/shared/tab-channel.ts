import type { ChannelSink, Leftover } from '../core/channel.js';
import type { ChannelOptions } from '../core/client-parts.js';
import type { OutboxBounds } from '../core/options.js';
import { PlainChannel } from '../core/plain-channel.js';
import type { Delivery, Message } from '../core/types.js';
import { HubTransport } from './hub-transport.js';
import type { ToHub } from './posts.js';
import { ReceiveWindow } from './receive-window.js';

export interface TabChannelEvents extends Pick<ChannelSink, 'deliver' | 'sent' | 'shed' | 'drained'> {
  post(post: ToHub): void;
  /** The connection is closing and the inbox full: what comes now is not kept, and this is told once. */
  dropped(): void;
}

/** A tab's messages on their way through a hub: those that wait here or there to be sent, and those that have come. */
export class TabChannel {
  readonly #transport: HubTransport;
  readonly #plain: PlainChannel;
  readonly #receiveWindow: ReceiveWindow;
  /** Whether the plain channel counts the transport's bytes among its own. */
  #isAttached = false;
  #ready = (): void => {};

  constructor(bounds: OutboxBounds, session: ChannelOptions | undefined, events: TabChannelEvents) {
    this.#transport = new HubTransport(session?.replayBytes, events);
    this.#receiveWindow = new ReceiveWindow(session !== undefined, { ...events, taken: (bytes) => events.post({ is: 'taken', bytes }) });
    this.#plain = new PlainChannel(
      {
        sink: {
          ...events,
          sent: () => {}, // the transport knows when
          deliver: (message, bytes) => this.#receiveWindow.deliver(message, bytes),
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

  /** Whether the application has left any of what this seat has brought. */
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

  /** What the hub has not handed on never left either. Nothing is posted any more: the transport only counts what waits here. */
  end(): Leftover {
    this.close(0, '');
    return this.#transport.end();
  }

  /** Whether the hub can be told to close after all that was accepted. */
  get isJoined(): boolean {
    return this.#transport.isJoined;
  }

  /** The seat is given up; another one brings and takes. */
  restart(): void {
    this.#transport.isJoined = false;
    this.#receiveWindow.restart();
  }

  /**
   * @param ready called once messages may flow, and before those do that wait, with those that an earlier connection had on
   * their way: nobody knows whether they arrived.
   */
  opened(protocol: string, connection: string, ready: (lost: readonly Message[]) => void): void {
    const lost = this.#transport.joined(protocol, connection);
    this.#attach(() => ready(lost));
  }

  received(message: Message, bytes: number): void {
    this.#plain.received(message, bytes);
  }

  handed(messages: number): void {
    this.#transport.handed(messages);
    this.#plain.drained();
  }

  /** The server has acknowledged so many, the oldest; or they are returned to be handed back. */
  settled(messages: number): readonly Message[] {
    const settled = this.#transport.settled(messages);
    this.#plain.drained();
    return settled;
  }

  /** The hub's connection is broken, or over. What is in flight waits in the worker, and counts on. */
  broken(): void {
    this.#isAttached = false;
    this.#plain.detach();
  }

  /** The seat is given up. What is in flight is the hub's. */
  left(): void {
    this.#transport.left();
    this.broken();
  }

  /** A connection that is away still takes what waits here, and then the close. */
  close(code: number, reason: string): void {
    if (!this.#isAttached) this.#attach(() => {});
    this.#plain.close(code, reason);
  }

  /** What comes after this is not kept. */
  cut(): void {
    this.#receiveWindow.cut();
  }

  #attach(ready: () => void): void {
    this.#isAttached = true;
    this.#ready = ready;
    this.#plain.attach(this.#transport);
  }
}
