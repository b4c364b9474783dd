import type { Entry, Position } from '../backplane/backplane.js';

/** Entries that are missing before an entry, as the log reported it. */
export interface Gap {
  readonly isSameLog: boolean;
  /** Undefined if they cannot be counted. */
  readonly lost: number | undefined;
}

/** An entry as its subscribers get it. */
export interface TopicEntry extends Entry {
  readonly gap?: Gap | undefined;
}

/** Bytes of the entries that a node keeps for the subscribers of a topic. Behind them a subscriber reads the log. */
const MAX_BYTES = 1_048_576;

/** Recent entries by a sequence number of this node, which counts up without a gap. */
export class TopicRing {
  readonly #maxEntries: number;
  #entries: (TopicEntry | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  /** Number of the oldest entry. */
  first = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Number of the next entry. */
  get next(): number {
    return this.first + this.#entries.length - this.#head;
  }

  at(sequence: number): TopicEntry | undefined {
    return this.#entries[this.#head + sequence - this.first];
  }

  push(entry: TopicEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.payload.length;
    while (this.next - this.first > this.#maxEntries || (this.#bytes > MAX_BYTES && this.next - this.first > 1)) this.#drop();
    if (this.#head < this.#maxEntries) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }

  /** Number of the entry with this position; undefined if it is not here. */
  find(position: Position): number | undefined {
    for (let sequence = this.next - 1; sequence >= this.first; sequence--) if (this.at(sequence)?.position === position) return sequence;
    return undefined;
  }

  #drop(): void {
    this.#bytes -= this.#entries[this.#head]?.payload.length ?? 0;
    this.#entries[this.#head] = undefined;
    this.#head += 1;
    this.first += 1;
  }
}
