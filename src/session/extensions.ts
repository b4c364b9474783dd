import type { Extension, RecordPort, SharedRecord } from '../core/extension.js';
import { EXTENSION_BYTES } from './codec.js';
import { type Fault, type Incoming, malformed } from './incoming.js';
import type { Outgoing } from './outgoing.js';

/** The parts of a session that its extensions use. */
export interface ExtensionHost {
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  readonly isOpen: boolean;
  readonly features: number;
  consumed(bytes: number): void;
}

/** The extensions of a session by name, and the session as they see it. Made with the first one, because most sessions have none. */
export class Extensions implements RecordPort {
  readonly #host: ExtensionHost;
  readonly #all = new Map<string, Extension>();

  constructor(host: ExtensionHost) {
    this.#host = host;
  }

  get isOpen(): boolean {
    return this.#host.isOpen;
  }

  get features(): number {
    return this.#host.features;
  }

  get maxBodyBytes(): number {
    return this.#host.outgoing.peerMaxMessageBytes + EXTENSION_BYTES;
  }

  get maxBytes(): number {
    return this.#host.outgoing.maxBytes;
  }

  get areIdle(): boolean {
    return [...this.#all.values()].every(({ isIdle }) => isIdle);
  }

  get<E extends Extension>(name: string, make: (port: RecordPort) => E): E {
    const found = this.#all.get(name) as E | undefined;
    if (found !== undefined) return found;
    const made = make(this);
    this.#all.set(name, made);
    if (this.isOpen) made.opened(false);
    return made;
  }

  /** A record that no extension knows is ignored. */
  receive(kind: number, bytes: Uint8Array, start: number, end: number): Fault | undefined {
    for (const extension of this.#all.values()) {
      const fault = extension.receive(kind, bytes, start, end);
      if (fault !== undefined) return malformed(fault);
    }
    return undefined;
  }

  opened(isResumed: boolean): void {
    for (const extension of this.#all.values()) extension.opened(isResumed);
  }

  detached(): void {
    for (const extension of this.#all.values()) extension.detached();
  }

  ended(): void {
    for (const extension of this.#all.values()) extension.ended();
  }

  /** Each writes one record. False if none wrote any. */
  pump(): boolean {
    let hasWritten = false;
    for (const extension of this.#all.values()) hasWritten = extension.pump() || hasWritten;
    return hasWritten;
  }

  write(kind: number, body: Uint8Array<ArrayBuffer>, shared?: SharedRecord): boolean {
    return this.#host.outgoing.writeRecord(kind, body, shared);
  }

  due(): void {
    this.#host.outgoing.pump();
  }

  hold(bytes: number): void {
    this.#host.incoming.credit.deliver(bytes);
  }

  release(bytes: number): void {
    this.#host.consumed(bytes);
  }
}
