import type { Bytes, Entry, NodeBackplane, Page, Position } from '../backplane/backplane.js';
import type { Cancel, Clock } from '../core/clock.js';
import type { SharedRecord } from '../core/extension.js';
import { MAX_BODY_BYTES } from '../session/codec.js';
import * as Kind from '../session/record-kind.js';
import { ENTRY, encodeBody } from '../topics/records.js';
import type { Broadcast } from './broadcast.js';
import { type Gap, type TopicEntry, TopicRing } from './topic-ring.js';

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

/** The parts of the server that its topics use. */
export interface TopicContext {
  readonly backplane: NodeBackplane;
  /** Resolves once the backplane is open. */
  readonly opened: Promise<void>;
  readonly broadcast: Broadcast;
  readonly clock: Clock;
  /** Recent entries that are kept for subscribers. */
  readonly ringEntries: number;
  /** Entries of one read. */
  readonly pageEntries: number;
  /** Entries were not pushed to this node, and are read from the log. */
  gapFound(): void;
}

/** How soon the log is read again after a failure. */
export const READ_AGAIN_MS = 1_000;

/** Pushed entries that are kept while the log is read. */
const MAX_EARLY = 256;

/**
 * A topic that this node watches for its subscribers: the end of the log as far as it was pushed here, and the recent entries. It finds
 * gaps by the predecessor of each entry, and reads the missing entries itself.
 */
export class Topic {
  readonly name: string;
  /** The number by which the clients of this node know it, so that all get the same record. */
  readonly feed: number;
  readonly ring: TopicRing;
  readonly readers = new Set<TopicReader>();
  /** Resolves once every later publish is pushed here, and the end of the log is known. */
  readonly ready: Promise<void>;
  /** Position of the last entry; undefined while the log has none. */
  last: Position | undefined;
  /** Subscriptions, and requests for one. */
  uses = 0;
  readonly #context: TopicContext;
  readonly #reads = new Map<string, Promise<Page>>();
  /** Entries that are pushed while the log is read. */
  #early: Entry[] | undefined = [];
  /** What is missing before the next entry. */
  #gap: Gap | undefined;
  #unwatch: (() => void) | undefined;
  #cancelHeal: Cancel | undefined;
  #isOver = false;
  /** The last record, with the payload and the number that it was made of. */
  #encoded: { readonly of: Bytes; readonly feed: number; readonly record: EncodedEntry } | undefined;

  constructor(name: string, feed: number, context: TopicContext) {
    this.name = name;
    this.feed = feed;
    this.#context = context;
    this.ring = new TopicRing(context.ringEntries);
    this.ready = this.#join();
    this.ready.catch(() => {}); // each subscriber awaits it
  }

  /** An entry is pushed to this node. */
  pushed(entry: Entry): void {
    if (this.#early !== undefined) this.#keepEarly(entry);
    else if (entry.previous === this.last) this.#append(entry);
    else if (entry.position !== this.last && this.ring.find(entry.position) === undefined) void this.#heal(entry);
  }

  transient(payload: Bytes): void {
    for (const reader of this.readers) reader.transient(payload);
  }

  /** Many subscribers that continue at the same position cause one read. */
  read(after: Position | 'start' | 'oldest'): Promise<Page> {
    const pending = this.#reads.get(after);
    if (pending !== undefined) return pending;
    const page = this.#context.backplane.read(this.name, after, this.#context.pageEntries);
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
    this.#cancelHeal?.();
  }

  async #join(): Promise<void> {
    const { opened, backplane } = this.#context;
    await opened;
    const unwatch = await backplane.watch(this.name);
    if (this.#isOver) unwatch();
    else this.#unwatch = unwatch;
    this.last = (await backplane.read(this.name, 'now', 0)).next;
    if (!this.#settle()) void this.#heal();
  }

  #keepEarly(entry: Entry): void {
    this.#early?.push(entry);
    // Those that are dropped are read from the log.
    if (this.#early?.length === 2 * MAX_EARLY) this.#early.splice(0, MAX_EARLY);
  }

  /** Takes the entries that were pushed while the log was read. False if that shows another gap. */
  #settle(): boolean {
    const early = this.#early ?? [];
    const next = early.findIndex(({ previous }) => previous === this.last);
    if (next < 0 && early.length > 0 && early.at(-1)?.position !== this.last) return false;
    this.#early = undefined;
    if (next >= 0) for (const entry of early.slice(next)) this.pushed(entry);
    return true;
  }

  /**
   * Reads what is missing before a pushed entry. The log has every entry that was pushed before a read begins, so those pushed later are
   * all that is missing after it.
   */
  async #heal(newest?: Entry): Promise<void> {
    let [newestEntry, hasRead] = [newest, false];
    try {
      let remaining: number;
      do {
        newestEntry = this.#early?.at(-1) ?? newestEntry;
        this.#early = [];
        const page = await this.#context.backplane.read(this.name, this.last ?? 'start', this.#context.pageEntries);
        if (this.#isOver) return;
        if (!hasRead && this.#isNews(page)) {
          hasRead = true;
          this.#context.gapFound();
        }
        this.#take(page, newestEntry);
        remaining = page.remaining;
      } while (remaining > 0 || !this.#settle());
    } catch {
      this.#cancelHeal = this.#context.clock.after(READ_AGAIN_MS, () => void this.#heal(newestEntry));
    }
  }

  #isNews({ entries, isSameLog, lost }: Page): boolean {
    return entries.length > 0 || !isSameLog || lost !== 0;
  }

  /** @param newest the last entry that was pushed before the log was read; a topic without a history has it nowhere else. */
  #take({ entries, isSameLog, lost, next }: Page, newest: Entry | undefined): void {
    const missing = isSameLog ? lost : undefined;
    if (entries.length > 0) {
      this.#lose(isSameLog, missing);
      for (const entry of entries) this.#append(entry);
    } else if (newest !== undefined && newest.position === next && missing !== 0) {
      this.#lose(isSameLog, missing === undefined ? undefined : missing - 1);
      this.#append(newest);
    } else {
      this.#lose(isSameLog, missing);
      this.last = next;
    }
  }

  /** The next entry shows that so many are missing before it. */
  #lose(isSameLog: boolean, lost: number | undefined): void {
    if (isSameLog && lost === 0) return;
    const { isSameLog: wasSameLog = true, lost: lostBefore = 0 } = this.#gap ?? {};
    const isUnknown = lost === undefined || (this.#gap !== undefined && this.#gap.lost === undefined);
    this.#gap = { isSameLog: isSameLog && wasSameLog, lost: isUnknown ? undefined : lost + lostBefore };
  }

  #append(entry: Entry): void {
    this.last = entry.position;
    this.ring.push({ ...entry, gap: this.#gap });
    this.#gap = undefined;
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
    } else record = sharedEntry(this.#context.broadcast, position === '' ? Kind.transient : Kind.topic, head, payload);
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
