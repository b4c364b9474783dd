import type { Page, Position } from '../backplane/backplane.js';
import {
  CONTINUITY,
  encodeBody,
  encodeLost,
  GRANTED,
  OUTCOME_NONE,
  OUTCOME_OTHER_LOG,
  OUTCOME_SAME_LOG,
  windowCost,
} from '../topics/records.js';
import type { EncodedEntry, Topic, TopicReader } from './topic.js';
import type { TopicEntry } from './topic-ring.js';

/** The session of a subscriber. */
export interface CursorSession {
  /** Whether answers wait: no entry is written before them. */
  readonly hasAnswers: boolean;
  /** Largest entry that the client receives. */
  readonly maxBytes: number;
  /** Queues a record that must arrive. */
  answer(body: Uint8Array<ArrayBuffer>): void;
  /** False if the cursor has to wait until the session calls `writeOne`. */
  write(cursor: TopicCursor, entry: EncodedEntry): boolean;
  /** The session calls `writeOne` once the answers are written. */
  wait(cursor: TopicCursor): void;
  /** The log cannot be read: the session calls `wake` later. */
  readFailed(cursor: TopicCursor): void;
}

/** Where a subscription begins. */
export type Start =
  | { readonly at: 'now' }
  | { readonly at: 'oldest' }
  /** Undefined: before the first entry that the log ever had. */
  | { readonly at: 'position'; readonly position: Position | undefined };

/**
 * One subscription: a position in the topic, without a queue. It follows the entries that the node keeps. A slower reader is served from
 * the log in pages, and one that is slower than the history is told how much it has missed.
 */
export class TopicCursor implements TopicReader {
  readonly topic: Topic;
  readonly request: number;
  readonly #session: CursorSession;
  readonly #feed: number;
  /** Number of the next entry in the ring; undefined while the log is read. */
  #sequence: number | undefined;
  /** Position before the next entry; undefined: before the first one that the log ever had. */
  #position: Position | undefined;
  #page: Page | undefined;
  #pageAt = 0;
  #isReading = false;
  /** The log had no further entry, but this node has not been pushed all of it. */
  #isAhead = false;
  /** Since the grant: entries sent, their cost, and the cost that the client allows. */
  #messages = 0;
  #cost = 0;
  #limit: number;
  /** The session was resumed, and the report waits for a page of the log. */
  #owesReport = false;
  #isGranted = false;
  #isOver = false;

  /** @param feed the topic's own number, or another one if this session already has a subscription with that. */
  constructor(session: CursorSession, topic: Topic, request: number, feed: number, limit: number) {
    this.#session = session;
    this.topic = topic;
    this.request = request;
    this.#feed = feed;
    this.#limit = limit;
  }

  get feed(): number {
    return this.#feed;
  }

  /** Answers with the grant. Rejects if the log cannot be read. */
  async begin(start: Start): Promise<void> {
    const { ring, last } = this.topic;
    if (start.at === 'now') this.#grant(ring.next, last, OUTCOME_NONE, 0, 0);
    else if (start.at === 'oldest') await this.#beginAtOldest();
    else await this.#beginAfter(start.position);
    if (this.#isOver) return;
    this.topic.readers.add(this);
    this.wake();
  }

  /** The client has read messages. */
  allow(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
    this.wake();
  }

  /** The session was resumed: reports how many messages follow, those included that were sent and not acknowledged. */
  resumed(): void {
    if (!this.#isGranted) return;
    const { ring } = this.topic;
    if (this.#sequence !== undefined && this.#sequence >= ring.first) {
      this.#report(OUTCOME_SAME_LOG, this.#messages + ring.next - this.#sequence, 0);
      return;
    }
    this.#owesReport = true;
    this.#page = this.#sequence = undefined;
    this.wake();
  }

  /** Writes as many entries as there is room for. */
  wake(): void {
    if (this.#session.hasAnswers) this.#session.wait(this);
    else while (this.writeOne());
  }

  /** False if there is no entry, if the client has to read first, or if the session has no room. */
  writeOne(): boolean {
    if (this.#isOver || !this.#isGranted || (this.#cost >= this.#limit && !this.#owesReport)) return false;
    const entry = this.#next();
    if (entry === undefined || this.#cost >= this.#limit) return false;
    const { gap, payload, position, previous } = entry;
    // A cursor that begins behind the gap, or has read about it in the log, is at the predecessor.
    if (gap !== undefined && this.#position !== previous) {
      this.#position = previous;
      this.#report(gap.isSameLog ? OUTCOME_SAME_LOG : OUTCOME_OTHER_LOG, 0, gap.lost);
      return true;
    }
    const encoded = this.topic.encoded(entry, this.#feed);
    // The client announced a smaller largest message than the topic has.
    const isTooBig = encoded.bytes > this.#session.maxBytes;
    if (!isTooBig && !this.#session.write(this, encoded)) return false;
    this.#position = position;
    if (this.#sequence === undefined) this.#pageAt += 1;
    else this.#sequence += 1;
    if (isTooBig) {
      // The report may cause a call of `writeOne`.
      this.#report(OUTCOME_SAME_LOG, 0, 1);
      return true;
    }
    this.#messages += 1;
    // The type of the message is no part of it.
    this.#cost += windowCost(payload.length - 1);
    return true;
  }

  /** A message that is not in the log reaches a subscriber that keeps up. */
  transient(payload: Uint8Array<ArrayBuffer>): void {
    if (this.#sequence !== this.topic.ring.next || this.#cost >= this.#limit || this.#session.hasAnswers) return;
    const encoded = this.topic.encodedTransient(payload, this.#feed);
    if (encoded.bytes <= this.#session.maxBytes) this.#session.write(this, encoded);
  }

  end(): void {
    this.#isOver = true;
    this.topic.readers.delete(this);
  }

  /** The next entry; undefined if there is none, or if it has to be read. */
  #next(): TopicEntry | undefined {
    const { ring } = this.topic;
    if (this.#sequence !== undefined && this.#sequence >= ring.first) return ring.at(this.#sequence);
    this.#sequence = undefined;
    const entry = this.#page?.entries[this.#pageAt];
    if (entry !== undefined) return entry;
    if (this.#page !== undefined || this.#isAhead) {
      this.#isAhead = this.#page !== undefined && this.#page.entries.length === 0;
      this.#position = this.#page?.next ?? this.#position;
      this.#page = undefined;
      this.#sequence = this.#sequenceAfter(this.#position);
      if (this.#sequence !== undefined) return ring.at(this.#sequence);
      if (this.#isAhead) return undefined;
    }
    if (!this.#isReading) void this.#read();
    return undefined;
  }

  async #beginAtOldest(): Promise<void> {
    const page = await this.topic.read('oldest');
    this.#page = page;
    this.#grant(undefined, beginOf(page), OUTCOME_NONE, page.entries.length + page.remaining, 0);
  }

  async #beginAfter(position: Position | undefined): Promise<void> {
    const { ring } = this.topic;
    const sequence = this.#sequenceAfter(position);
    if (sequence !== undefined) return this.#grant(sequence, position, OUTCOME_SAME_LOG, ring.next - sequence, 0);
    const page = await this.topic.read(position ?? 'start');
    this.#page = page;
    const outcome = page.isSameLog ? OUTCOME_SAME_LOG : OUTCOME_OTHER_LOG;
    this.#grant(undefined, beginOf(page), outcome, page.entries.length + page.remaining, page.lost);
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    try {
      const page = await this.topic.read(this.#position ?? 'start');
      this.#isReading = false;
      if (this.#isOver) return;
      this.#page = page;
      this.#pageAt = 0;
      // What is reported as lost is not counted again by another read.
      this.#position = beginOf(page);
      const outcome = page.isSameLog ? OUTCOME_SAME_LOG : OUTCOME_OTHER_LOG;
      const { length } = page.entries;
      if (this.#owesReport) this.#report(outcome, this.#messages + length + page.remaining, page.lost);
      else if (!page.isSameLog || page.lost !== 0) this.#report(outcome, 0, page.lost);
      this.#owesReport = false;
      this.wake();
    } catch {
      this.#isReading = false;
      if (!this.#isOver) this.#session.readFailed(this);
    }
  }

  /** Number of the entry behind a position, if the node keeps the entries from there. */
  #sequenceAfter(position: Position | undefined): number | undefined {
    const { last, ring } = this.topic;
    if (position === last) return ring.next;
    const found = position === undefined ? undefined : ring.find(position);
    return found === undefined ? undefined : found + 1;
  }

  #grant(sequence: number | undefined, position: Position | undefined, outcome: number, replayed: number, lost: number | undefined): void {
    if (this.#isOver) return;
    this.#isGranted = true;
    this.#sequence = sequence;
    this.#position = position;
    this.#session.answer(encodeBody([GRANTED, this.request, this.#feed, position ?? '', outcome, replayed, encodeLost(lost)]));
  }

  /** @param total entries that were or will be sent since the grant; 0 for a gap without a disconnect. */
  #report(outcome: number, total: number, lost: number | undefined): void {
    this.#session.answer(encodeBody([CONTINUITY, this.request, outcome, total, encodeLost(lost)]));
  }
}

/** The position before the entries of a page. */
function beginOf({ entries: [first], next }: Page): Position | undefined {
  return first === undefined ? next : first.previous;
}
