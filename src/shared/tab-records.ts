import type { Extension, RecordPort } from '../core/extension.js';
import type { ToHub, ToTab } from './posts.js';

/** The extensions of a tab, whose records travel over the hub's session. */
export class TabRecords implements RecordPort {
  readonly maxBytes: number;
  isOpen = false;
  features = 0;
  maxBodyBytes = 0;
  readonly #post: (post: ToHub) => void;
  readonly #all = new Map<string, Extension>();
  /** The hub knows the requests of this tab. */
  #isKnown = false;

  constructor(maxBytes: number, post: (post: ToHub) => void) {
    this.maxBytes = maxBytes;
    this.#post = post;
  }

  get<E extends Extension>(name: string, make: (port: RecordPort) => E): E {
    const found = this.#all.get(name) as E | undefined;
    if (found !== undefined) return found;
    const made = make(this);
    this.#all.set(name, made);
    if (this.isOpen) made.opened(false);
    return made;
  }

  /** The hub's session is open: the same as before, unless it says otherwise or the tab has left the hub since. */
  opened({ features, maxBodyBytes, continuity }: ToTab & { is: 'opened' }): void {
    const isResumed = this.#isKnown && continuity.resumed;
    this.isOpen = this.#isKnown = true;
    this.features = features;
    this.maxBodyBytes = maxBodyBytes;
    for (const extension of this.#all.values()) extension.opened(isResumed);
    this.due();
  }

  received({ kind, body }: ToTab & { is: 'record' }): void {
    for (const extension of this.#all.values()) extension.receive(kind, body, 0, body.length);
  }

  /** @param hasLeft the hub has forgotten the tab. */
  detached(hasLeft: boolean): void {
    if (hasLeft) this.#isKnown = false;
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const extension of this.#all.values()) extension.detached();
  }

  ended(): void {
    this.detached(true);
    for (const extension of this.#all.values()) extension.ended();
  }

  write(kind: number, body: Uint8Array<ArrayBuffer>): boolean {
    if (this.isOpen) this.#post({ is: 'record', kind, body });
    return this.isOpen;
  }

  /** The hub takes everything at once. */
  due(): void {
    for (const extension of this.#all.values()) while (extension.pump());
  }

  hold(): void {}

  release(): void {}
}
