import type { Leftover, LinkHost } from '../../core/link.js';
import type { OutboxBounds } from '../../core/options.js';
import { PlainLink } from '../../core/plain-link.js';
import type { Delivery, Message } from '../../core/types.js';
import { Intake } from './intake.js';
import { PortWire } from './port-wire.js';
import type { ToHub } from './posts.js';

export interface TabLinkHost extends Pick<LinkHost, 'deliver' | 'sent' | 'shed' | 'drained'> {
  post(post: ToHub): void;
  /** The connection is closing and the inbox full: what comes now is not kept, and this is told once. */
  dropped(): void;
}

/** A tab's messages on their way through a hub: those that wait here or there to be sent, and those that have come. */
export class TabLink {
  readonly #wire: PortWire;
  readonly #plain: PlainLink;
  readonly #intake: Intake;
  /** Whether the plain link counts the wire's bytes among its own. */
  #isAttached = false;
  #ready = (): void => {};

  /** @param countsReading the hub is told what is read, rather than what has come. */
  constructor(bounds: OutboxBounds, countsReading: boolean, host: TabLinkHost) {
    this.#wire = new PortWire((post) => host.post(post));
    this.#intake = new Intake(countsReading, { ...host, taken: (bytes) => host.post({ is: 'taken', bytes }) });
    this.#plain = new PlainLink(
      {
        ...host,
        ready: () => this.#ready(),
        deliver: (message, bytes) => this.#intake.deliver(message, bytes),
        pong: () => {},
        fail: () => {},
      },
      bounds,
    );
  }

  get bufferedBytes(): number {
    return this.#plain.bufferedBytes + (this.#isAttached ? 0 : this.#wire.bufferedBytes);
  }

  get protocol(): string {
    return this.#wire.protocol;
  }

  /** Whether the application has left any of what this seat has brought. */
  get hasUnread(): boolean {
    return this.#intake.hasUnread;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): void {
    this.#plain.send(message, bytes, delivery);
  }

  consumed(bytes: number): void {
    this.#intake.consumed(bytes);
  }

  /** What the hub has not handed on never left either. */
  end(): Leftover {
    const { messages, bytes } = this.#plain.end();
    return { messages: messages + this.#wire.bufferedMessages, bytes: bytes + this.#wire.bufferedBytes };
  }

  /** From here on another seat brings and takes. */
  restart(): void {
    this.#intake.restart();
    this.#wire.forget();
  }

  /** @param ready called once messages may flow, and before those do that wait. */
  opened(protocol: string, ready: () => void): void {
    this.#wire.protocol = protocol;
    this.#attach(ready);
  }

  received(message: Message, bytes: number): void {
    this.#plain.received(message, bytes);
  }

  handed(messages: number): void {
    this.#wire.handed(messages);
    this.#plain.drained();
  }

  /** The hub's connection is broken, or over. What is in flight waits in the worker, and counts on. */
  broken(): void {
    this.#isAttached = false;
    this.#plain.detach();
  }

  /** The seat is given up. What is in flight is the hub's. */
  left(): void {
    this.#wire.forget();
    this.broken();
  }

  /** A connection that is away still takes what waits here, and then the close. */
  close(code: number, reason: string): void {
    if (!this.#isAttached) this.#attach(() => {});
    this.#plain.close(code, reason);
  }

  /** What comes after this is not kept. */
  cut(): void {
    this.#intake.cut();
  }

  #attach(ready: () => void): void {
    this.#isAttached = true;
    this.#ready = ready;
    this.#plain.attach(this.#wire);
  }
}
