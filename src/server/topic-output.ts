import type { RecordPort } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import * as Kind from '../session/record-kind.js';
import type { PresenceSession } from './client-presence.js';
import type { SessionWriter } from './presence-observer.js';
import type { EncodedEntry } from './topic.js';
import type { CursorSession } from './topic-cursor.js';

/** How soon the log is read again after a failure. */
const READ_AGAIN_MS = 1_000;

/** A subscription of the session. */
interface Reader extends SessionWriter {
  wake(): void;
}

/** The records of topics that one session sends: answers in their order, then those of its subscriptions and presences in turn. */
export class TopicOutput implements CursorSession, PresenceSession {
  readonly #port: RecordPort;
  readonly #answers = new Queue<Uint8Array<ArrayBuffer>>();
  readonly #waiting = new Set<SessionWriter>();
  readonly #retries = new Map<SessionWriter, NodeJS.Timeout>();
  #isPumping = false;

  constructor(port: RecordPort) {
    this.#port = port;
  }

  get hasAnswers(): boolean {
    return this.#answers.length > 0;
  }

  get maxBytes(): number {
    return this.#port.maxBodyBytes;
  }

  get isAway(): boolean {
    return !this.#port.isOpen;
  }

  answer(body: Uint8Array<ArrayBuffer>): void {
    this.#answers.push(body);
    if (!this.#isPumping) this.#port.due();
  }

  write(writer: SessionWriter, { kind, body, shared }: EncodedEntry): boolean {
    if (this.#port.write(kind, body, shared)) return true;
    // A message that is not in the log is not sent later.
    if (kind === Kind.topic) this.#waiting.add(writer);
    return false;
  }

  wait(writer: SessionWriter): void {
    this.#waiting.add(writer);
  }

  wake(writer: SessionWriter): void {
    this.#waiting.add(writer);
    this.#port.due();
  }

  readFailed(reader: Reader): void {
    const retry = setTimeout(() => reader.wake(), READ_AGAIN_MS);
    this.#retries.set(reader, retry.unref());
  }

  forget(writer: SessionWriter): void {
    this.#waiting.delete(writer);
    clearTimeout(this.#retries.get(writer));
    this.#retries.delete(writer);
  }

  hold(bytes: number): void {
    this.#port.hold(bytes);
  }

  release(bytes: number): void {
    this.#port.release(bytes);
  }

  /** Writes one record. False if none waits, or if there is no room. */
  pump(): boolean {
    const answer = this.#answers.peek();
    if (answer !== undefined) {
      if (!this.#port.write(Kind.topic, answer)) return false;
      this.#answers.shift();
      return true;
    }
    this.#isPumping = true;
    const hasWritten = this.#pumpWaiting();
    this.#isPumping = false;
    return hasWritten;
  }

  #pumpWaiting(): boolean {
    for (const writer of this.#waiting) {
      this.#waiting.delete(writer);
      if (writer.writeOne()) {
        this.#waiting.add(writer);
        return true;
      }
      // It waits again: the session has no room.
      if (this.#waiting.has(writer)) return false;
    }
    return false;
  }
}
