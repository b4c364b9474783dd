import type { Bytes, Entry, NodeBackplane, Page, Position } from '../backplane/backplane.js';
import type { SharedRecord } from '../core/extension.js';
import { MAX_BODY_BYTES } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import { ENTRY, encodeBody } from '../topics/records.js';
import type { Broadcast } from './broadcast.js';
import { type TopicEntry, TopicRing } from './topic-ring.js';

/** A subscriber of a topic. */
export interface TopicReader {
  /** The topic has a new entry. */
  wake(): void;
  /** A message that is not in the log. */
  transient(payload: Bytes): void;
}

/** An entry as a record of a session. */
export interface EncodedEntry {
  readonly kind: number;
  readonly bytes: number;
  readonly body: Uint8Array<ArrayBuffer>;
  /** With its header, for many sessions; undefined for one that has to be fragmented. */
  readonly shared: SharedRecord | undefined;
}

/** Entries of one read: a page of the largest messages takes 2 MiB. */
const PAGE_ENTRIES = 32;

/**
 * A topic that this node watches for its subscribers: the end of the log as far as it was pushed here, and the recent entries. It finds
 * gaps by the predecessor of each entry, and reads the missing entries itself.
 */
export class Topic {
  readonly name: string;
  /** The number by which the clients of this node know it, so that all get the same record. */
  readonly feed: number;
  readonly ring = new TopicRing();
  readonly readers = new Set<TopicReader>();
  /** Resolves once every later publish is pushed here, and the end of the log is known. */
  readonly ready: Promise<void>;
  /** Position of the last entry; undefined while the log has none. */
  last: Position | undefined;
  /** Subscriptions, and requests for one. */
  uses = 0;
  readonly #backplane: NodeBackplane;
  readonly #broadcast: Broadcast;
  readonly #gapFound: (lost: number | undefined) => void;
  readonly #reads = new Map<string, Promise<Page>>();
  /** Entries that are pushed while the log is read. */
  #early: Entry[] | undefined = [];
  #unwatch: (() => void) | undefined;
  #isOver = false;
  /** The last record, with the payload and the number that it was made of. */
  #encoded: { readonly of: Bytes; readonly feed: number; readonly record: EncodedEntry } | undefined;

  constructor(name: string, feed: number, backplane: NodeBackplane, broadcast: Broadcast, gapFound: (lost: number | undefined) => void) {
    this.name = name;
    this.feed = feed;
    this.#backplane = backplane;
    this.#broadcast = broadcast;
    this.#gapFound = gapFound;
    this.ready = this.#join();
    this.ready.catch(() => {}); // each subscriber awaits it
  }

  /** An entry is pushed to this node. */
  pushed(entry: Entry): void {
    if (this.#early !== undefined) this.#early.push(entry);
    else if (entry.previous === this.last) this.#append(entry);
    else if (this.ring.find(entry.position) === undefined) void this.#heal(entry);
  }

  transient(payload: Bytes): void {
    for (const reader of this.readers) reader.transient(payload);
  }

  /** Many subscribers that continue at the same position cause one read. */
  read(after: Position | 'oldest'): Promise<Page> {
    const pending = this.#reads.get(after);
    if (pending !== undefined) return pending;
    const page = this.#backplane.read(this.name, after, PAGE_ENTRIES);
    this.#reads.set(after, page);
    const done = () => this.#reads.delete(after);
    page.then(done, done);
    return page;
  }

  /** The record of an entry, encoded once for all subscribers with the same number. */
  encoded({ position, payload }: TopicEntry, feed: number): EncodedEntry {
    return this.#encode(position, payload, feed);
  }

  encodedTransient(payload: Bytes, feed: number): EncodedEntry {
    return this.#encode('', payload, feed);
  }

  /** The topic has no subscriber. */
  end(): void {
    this.#isOver = true;
    this.#unwatch?.();
  }

  async #join(): Promise<void> {
    const unwatch = await this.#backplane.watch(this.name);
    if (this.#isOver) unwatch();
    else this.#unwatch = unwatch;
    this.last = (await this.#backplane.read(this.name, 'now', 0)).next;
    this.#settle();
  }

  /** Takes the entries that were pushed meanwhile, without those that are known. */
  #settle(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    const known = early.findLastIndex(({ position }) => position === this.last);
    for (const entry of early.slice(known + 1)) this.pushed(entry);
  }

  async #heal(entry: Entry): Promise<void> {
    this.#early = [entry];
    try {
      for (let page = await this.#readNext(); page.remaining > 0; page = await this.#readNext());
    } catch {
      // The next entry shows the gap again.
      this.#early = [];
    }
    this.#settle();
  }

  /** Reads the next page behind the last entry. */
  async #readNext(): Promise<Page> {
    const page = await this.#backplane.read(this.name, this.last ?? 'oldest', PAGE_ENTRIES);
    const isWhole = page.isSameLog && page.lost === 0;
    this.#gapFound(page.lost);
    let gap = isWhole ? undefined : { isSameLog: page.isSameLog, lost: page.lost };
    for (const entry of page.entries) {
      this.#append(entry, gap);
      gap = undefined;
    }
    return page;
  }

  #append({ position, payload }: Entry, gap?: TopicEntry['gap']): void {
    this.last = position;
    this.ring.push({ position, payload, gap });
    for (const reader of this.readers) reader.wake();
  }

  #encode(position: Position | '', payload: Bytes, feed: number): EncodedEntry {
    const last = this.#encoded;
    if (last?.of === payload && last.feed === feed) return last.record;
    const head = encodeBody([ENTRY, feed, position]);
    const bytes = head.length + payload.length;
    let record: EncodedEntry;
    if (bytes > MAX_BODY_BYTES) {
      record = { kind: Kind.topic, bytes, body: encodeBody([ENTRY, feed, position], payload), shared: undefined };
    } else record = sharedEntry(this.#broadcast, position === '' ? Kind.transient : Kind.topic, head, payload);
    this.#encoded = { of: payload, feed, record };
    return record;
  }
}

/** Encodes a record that many sessions send. */
export function sharedEntry(broadcast: Broadcast, kind: number, head: Uint8Array, payload: Uint8Array): EncodedEntry {
  const bytes = head.length + payload.length;
  const shared = broadcast.encode(kind, head, payload);
  return { kind, bytes, body: shared.slab.subarray(shared.slab.length - bytes), shared };
}
