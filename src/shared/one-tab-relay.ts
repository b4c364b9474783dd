import type { Extension, RecordPort, RecordRelay, RelayedTab } from '../core/extension.js';
import { Queue } from '../core/queue.js';

interface TabRecord {
  readonly kind: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Carries the records of a tab that has the session for itself: as they are, both ways. */
export class OneTabRelay implements Extension, RecordRelay {
  readonly #port: RecordPort;
  readonly #waiting = new Queue<TabRecord>();
  #tab: RelayedTab | undefined;

  constructor(port: RecordPort) {
    this.#port = port;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  get features(): number {
    return this.#port.features;
  }

  get maxBodyBytes(): number {
    return this.#port.maxBodyBytes;
  }

  fromTab(tab: RelayedTab, kind: number, body: Uint8Array<ArrayBuffer>): void {
    this.#tab = tab;
    this.#waiting.push({ kind, body });
    this.#port.due();
  }

  left(): void {
    this.#tab = undefined;
  }

  receive(kind: number, bytes: Uint8Array, start: number, end: number): undefined {
    this.#tab?.record(kind, new Uint8Array(bytes.subarray(start, end)));
  }

  /** In a new session the tab asks again. */
  opened(isResumed: boolean): void {
    if (!isResumed) this.#waiting.clear();
  }

  detached(): void {}

  ended(): void {
    this.#waiting.clear();
  }

  pump(): boolean {
    const record = this.#waiting.peek();
    if (record === undefined || !this.#port.write(record.kind, record.body)) return false;
    this.#waiting.shift();
    return true;
  }
}
