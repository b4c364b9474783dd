import type { ChannelContext } from '../core/channel.js';
import type { Clock } from '../core/clock.js';
import type { Batcher } from './batcher.js';
import type { RecordReader } from './codec.js';
import { type Fault, malformed } from './incoming.js';
import * as Kind from './record-kind.js';

/** While batches leave, the round trip is measured this often: fresh enough for a game's display, and 2 bytes each time. */
const MEASURE_MS = 10_000;
const MAX_PING_BYTES = 8;
const NONE = -1;

/** Pings and answers in records. A ping carries a number, so that an answer to an older one measures nothing. */
export class Pinger {
  readonly #clock: Clock;
  readonly #context: ChannelContext;
  #number = 0;
  #askedAt = 0;
  #isMeasured = false;
  #isAsking = false;
  /** The body of the last PING, while it waits for its answer: a copy, for a view would keep the batch alive. */
  readonly #answer = new Uint8Array(MAX_PING_BYTES);
  #answerBytes = NONE;
  #hasPong = false;

  constructor(clock: Clock, context: ChannelContext) {
    this.#clock = clock;
    this.#context = context;
  }

  /** Whether the peer waits for an answer. */
  get isDue(): boolean {
    return this.#answerBytes !== NONE;
  }

  ask(): void {
    this.#isAsking = true;
  }

  /** The transport is gone, and all questions with it. */
  reset(): void {
    this.#isAsking = false;
    this.#answerBytes = NONE;
    this.#hasPong = false;
  }

  /** A batch may hold tens of thousands: each costs next to nothing, and what follows from them is done once, in `read`. */
  receive({ kind, batch, start, end }: RecordReader): Fault | undefined {
    if (end - start > MAX_PING_BYTES) return malformed('a ping that is too long');
    if (kind === Kind.ping) {
      this.#answerBytes = end - start;
      for (let at = start; at < end; at++) this.#answer[at - start] = batch[at] as number;
    } else {
      this.#hasPong = true;
      if (end - start === 1 && batch[start] === this.#number) this.#measure();
    }
    return undefined;
  }

  /** A batch was read to its end. */
  read(): void {
    if (!this.#hasPong) return;
    this.#hasPong = false;
    this.#context.control.pong();
  }

  /** The first answer is the one that counts. */
  #measure(): void {
    if (this.#isMeasured) return;
    this.#isMeasured = true;
    this.#context.sink.measured(Math.max(0, this.#clock.now() - this.#askedAt));
  }

  write(batcher: Batcher): void {
    const now = this.#clock.now();
    if (this.#isAsking || Math.abs(now - this.#askedAt) >= MEASURE_MS) {
      this.#isAsking = false;
      this.#askedAt = now;
      this.#isMeasured = false;
      this.#number = (this.#number + 1) % 0x80;
      batcher.number(Kind.ping, this.#number);
    }
    if (!this.isDue) return;
    batcher.bytesOf(Kind.pong, this.#answer.subarray(0, this.#answerBytes));
    this.#answerBytes = NONE;
  }
}
