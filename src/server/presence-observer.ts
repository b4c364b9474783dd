import type { EncodedEntry } from './topic.js';

/** Writes records when its session has room. */
export interface SessionWriter {
  /** False if there is nothing to write, or if the session has no room. */
  writeOne(): boolean;
}

/** The session of an observer. */
export interface ObserverSession {
  /** Whether answers wait: no other record is written before them. */
  readonly hasAnswers: boolean;
  /** False if there is no room: the session calls `writeOne` later. */
  write(writer: SessionWriter, entry: EncodedEntry): boolean;
  /** The session calls `writeOne` as soon as there is room. */
  wake(writer: SessionWriter): void;
  /** It is not called any more. */
  forget(writer: SessionWriter): void;
}

/** The members of a topic as records of one feed. */
export interface MemberSource {
  snapshot(feed: number): readonly EncodedEntry[];
}

/**
 * Sends the members of a topic to one session: a snapshot first, then the changes. It has no queue: a session without room gets another
 * snapshot once it has room.
 */
export class PresenceObserver implements SessionWriter {
  readonly feed: number;
  readonly #session: ObserverSession;
  readonly #source: MemberSource;
  #isStale = true;
  /** The records of the present snapshot that are not sent yet. */
  #rest: readonly EncodedEntry[] = [];

  constructor(session: ObserverSession, source: MemberSource, feed: number) {
    this.#session = session;
    this.#source = source;
    this.feed = feed;
  }

  /** The records of the latest changes. The first call brings the snapshot instead. */
  changed(records: readonly EncodedEntry[]): void {
    const isReady = !this.#isStale && this.#rest.length === 0 && !this.#session.hasAnswers;
    if (isReady && records.every((record) => this.#session.write(this, record))) return;
    this.#isStale = true;
    this.#session.wake(this);
  }

  writeOne(): boolean {
    if (this.#rest.length === 0) {
      if (!this.#isStale) return false;
      this.#isStale = false;
      this.#rest = this.#source.snapshot(this.feed);
    }
    const [next, ...rest] = this.#rest as [EncodedEntry];
    if (!this.#session.write(this, next)) return false;
    this.#rest = rest;
    return true;
  }
}
