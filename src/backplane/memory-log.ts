import type { Bytes, Entry, Keep, Page, Position } from './backplane.js';
import type { Expiring } from './memory-deadlines.js';

/** Memory of a log and of an entry beside the bytes of the payload, as measured: objects, positions, places in maps. */
export const LOG_BYTES = 600;
export const ENTRY_BYTES = 350;

interface StoredEntry {
  readonly entry: Entry;
  readonly atMs: number;
}

/** A position is `epoch.offset-ms`, in base 36. The offset counts the entries of the log from 1; `ms` is the wall clock's time. */
const OFFSET_IN_POSITION = /^[0-9a-z]+\.([1-9a-z][0-9a-z]*)-[0-9a-z]+$/;
const MAX_POSITION_CHARACTERS = 64;

/** The log of one topic. Its times are of `ElapsedTime`, except those in positions. */
export class MemoryLog implements Expiring {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly epoch: string;
  /** The last position. */
  top: Position | undefined;
  /** When the last entry was appended. */
  changedMs = 0;
  #topOffset = 0;
  #keep: Keep = { maxMessages: 0, maxBytes: 0, maxAgeMs: 0 };
  /** The entries, from `#head` on: the places before it are empty. */
  #stored: (StoredEntry | undefined)[] = [];
  #head = 0;
  #payloadBytes = 0;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  get length(): number {
    return this.#stored.length - this.#head;
  }

  /** Memory of this log. */
  get memoryBytes(): number {
    return LOG_BYTES + this.length * ENTRY_BYTES + this.#payloadBytes;
  }

  /** When the oldest entry expires; undefined without an entry. */
  get expiresMs(): number | undefined {
    const oldest = this.#stored[this.#head];
    return oldest === undefined ? undefined : oldest.atMs + this.#keep.maxAgeMs + 1;
  }

  append(payload: Bytes, keep: Keep, wallMs: number, nowMs: number): Entry {
    this.#topOffset += 1;
    const position = positionOf(this.epoch, this.#topOffset, Math.max(0, Math.floor(wallMs)));
    const entry: Entry = { position, previous: this.top, payload };
    this.#stored.push({ entry, atMs: nowMs });
    this.#payloadBytes += payload.byteLength;
    this.top = position;
    this.changedMs = nowMs;
    this.#keep = keep;
    this.trim(nowMs);
    return entry;
  }

  /** By how much memory the log would grow if the entry were appended: less than nothing if more is removed than added. */
  growthBytes(payload: Bytes, keep: Keep, nowMs: number): number {
    let messages = this.length + 1;
    let bytes = this.#payloadBytes + payload.byteLength;
    for (let index = this.#head; index < this.#stored.length; index += 1) {
      const { entry, atMs } = this.#stored[index] as StoredEntry;
      if (!isBeyond(keep, messages, bytes, nowMs - atMs)) break;
      messages -= 1;
      bytes -= entry.payload.byteLength;
    }
    return LOG_BYTES + messages * ENTRY_BYTES + bytes - this.memoryBytes;
  }

  /** Removes the entries beyond the bounds of the last publish. */
  trim(nowMs: number): void {
    for (let oldest = this.#stored[this.#head]; oldest !== undefined; oldest = this.#stored[this.#head]) {
      if (!isBeyond(this.#keep, this.length, this.#payloadBytes, nowMs - oldest.atMs)) break;
      this.#payloadBytes -= oldest.entry.payload.byteLength;
      this.#stored[this.#head] = undefined;
      this.#head += 1;
    }
    if (this.#head * 2 > this.#stored.length) {
      this.#stored = this.#stored.slice(this.#head);
      this.#head = 0;
    }
  }

  /** See `NodeBackplane.read`. */
  page(after: Position | 'start' | 'oldest' | 'now', limit: number): Page {
    if (after === 'now') return { entries: [], isSameLog: true, lost: 0, remaining: 0, next: this.top };
    const firstOffset = this.#topOffset - this.length + 1;
    const offset = after === 'start' ? 0 : after === 'oldest' ? firstOffset - 1 : this.#offsetOf(after);
    const skipped = Math.max((offset ?? 0) + 1 - firstOffset, 0);
    const begin = this.#head + skipped;
    const entries = this.#stored.slice(begin, begin + limit).map((stored) => (stored as StoredEntry).entry);
    return {
      entries,
      isSameLog: offset !== undefined,
      lost: offset === undefined ? undefined : Math.max(firstOffset - 1 - offset, 0),
      remaining: this.length - skipped - entries.length,
      next: entries.at(-1)?.position ?? this.top,
    };
  }

  /** The offset of a position of this log; undefined for any other text. */
  #offsetOf(position: string): number | undefined {
    if (position.length > MAX_POSITION_CHARACTERS || !position.startsWith(`${this.epoch}.`)) return undefined;
    const digits = OFFSET_IN_POSITION.exec(position)?.[1];
    if (digits === undefined) return undefined;
    const offset = Number.parseInt(digits, 36);
    const known = this.#positionAt(offset);
    // A position whose entry was removed is not known any more: its offset decides.
    const isOfThisLog = known === undefined ? offset < this.#topOffset - this.length : known === position;
    return isOfThisLog ? offset : undefined;
  }

  #positionAt(offset: number): Position | undefined {
    if (offset === this.#topOffset) return this.top;
    const fromEnd = this.#topOffset - offset;
    return this.#stored[this.#stored.length - fromEnd]?.entry.previous;
  }
}

/** `join` makes one flat string, where a template makes a tree of its parts that needs three times the memory. */
function positionOf(epoch: string, offset: number, ms: number): Position {
  return [epoch, '.', offset.toString(36), '-', ms.toString(36)].join('');
}

function isBeyond(keep: Keep, messages: number, bytes: number, ageMs: number): boolean {
  return messages > keep.maxMessages || bytes > keep.maxBytes || ageMs > keep.maxAgeMs;
}
