import type { Bytes, Version, Versioned } from './backplane.js';
import type { MemoryBudget } from './memory-budget.js';
import { withoutSlab } from './memory-bytes.js';
import type { Deadlines, Expiring } from './memory-deadlines.js';
import type { ElapsedTime } from './memory-time.js';

interface StoredValue extends Expiring {
  version: number;
  value: Bytes;
  expiresMs: number;
}

/** Memory of a value beside its bytes, as measured. */
const VALUE_BYTES = 550;
const ABSENT: Versioned = { version: undefined, value: undefined };

/** The values that are compared and swapped. */
export class MemoryValues {
  readonly #time: ElapsedTime;
  readonly #deadlines: Deadlines;
  readonly #budget: MemoryBudget;
  readonly #values = new Map<string, StoredValue>();
  /** Of all keys, so that no version is used twice. */
  #lastVersion = 0;

  constructor(time: ElapsedTime, deadlines: Deadlines, budget: MemoryBudget) {
    this.#time = time;
    this.#deadlines = deadlines;
    this.#budget = budget;
  }

  /** See `NodeBackplane.swap`. Throws 'full'. */
  swap(key: string, expected: Version, value: Bytes | undefined, ttlMs: number): Versioned {
    const nowMs = this.#time.now();
    const found = this.#present(key, nowMs);
    if (found?.version !== expected) return found === undefined ? ABSENT : { version: found.version, value: found.value };
    if (value === undefined) {
      if (found !== undefined) this.#remove(key, found);
      return ABSENT;
    }
    return this.#store(key, value, nowMs + ttlMs);
  }

  #present(key: string, nowMs: number): StoredValue | undefined {
    const found = this.#values.get(key);
    if (found === undefined || nowMs < found.expiresMs) return found;
    this.#remove(key, found);
    return undefined;
  }

  #store(key: string, bytes: Bytes, expiresMs: number): Versioned {
    const value = withoutSlab(bytes);
    this.#budget.require(() => this.#budget.hasRoom(this.#growthBytes(key, value)));
    this.#budget.change(this.#growthBytes(key, value));
    this.#lastVersion += 1;
    const version = this.#lastVersion;
    // The same object, so that a value that is stored again and again has one deadline.
    const stored = Object.assign(this.#values.get(key) ?? { deadlineMs: Number.POSITIVE_INFINITY }, { version, value, expiresMs });
    this.#values.set(key, stored);
    this.#setDeadline(key, stored);
    return { version, value };
  }

  #growthBytes(key: string, value: Bytes): number {
    const found = this.#values.get(key);
    return value.byteLength + VALUE_BYTES - (found === undefined ? 0 : found.value.byteLength + VALUE_BYTES);
  }

  #setDeadline(key: string, stored: StoredValue): void {
    this.#deadlines.set(stored, stored.expiresMs, (nowMs) => {
      if (this.#values.get(key) !== stored) return;
      if (this.#present(key, nowMs) !== undefined) this.#setDeadline(key, stored);
    });
  }

  #remove(key: string, stored: StoredValue): void {
    this.#values.delete(key);
    this.#budget.change(-stored.value.byteLength - VALUE_BYTES);
  }
}
