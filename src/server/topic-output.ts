import type { Cancel, Clock } from '../core/clock.js';
import type { RecordPort } from '../core/extension.js';
import { Queue } from '../core/queue.js';
import * as Kind from '../session/record-kind.js';
import type { PresenceSession } from './client-presence.js';
import type { SessionWriter } from './presence-observer.js';
import { type EncodedEntry, READ_AGAIN_MS } from './topic.js';
import type { CursorSession } from './topic-cursor.js';

/** A subscription of the session. */
interface Reader extends SessionWriter {
  wake(): void;
}

/** The records of topics that one session sends: answers in their order, then those of its subscriptions and presences in turn. */
export class TopicOutput implements CursorSession, PresenceSession {
  readonly #port: RecordPort;
  readonly #answers = new Queue<Uint8Array<ArrayBuffer>>();
  readonly #waiting = new Set<SessionWriter>();
  readonly #retries = new Map<SessionWriter, Cancel>();
  readonly #clock: Clock;
  #isPumping = false;
  #isOver = false;

  constructor(port: RecordPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
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

  get answers(): number {
    return this.#answers.length;
  }

  /** The session has ended. */
  end(): void {
    this.#isOver = true;
    for (let answer = this.#answers.shift(); answer !== undefined; answer = this.#answers.shift()) this.#port.release(answer.length);
  }

  /** A client that does not read its answers has less credit for the records that cause them. */
  answer(body: Uint8Array<ArrayBuffer>): void {
    if (this.#isOver) return;
    this.#answers.push(body);
    this.#port.hold(body.length);
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
    this.#retries.get(reader)?.();
    this.#retries.set(
      reader,
      this.#clock.after(READ_AGAIN_MS, () => reader.wake()),
    );
  }

  forget(writer: SessionWriter): void {
    this.#waiting.delete(writer);
    this.#retries.get(writer)?.();
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
      this.#port.release(answer.length);
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
