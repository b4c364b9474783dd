import type { ChannelContext } from '../core/channel.js';
import type { Clock } from '../core/clock.js';
import type { Batcher } from './batcher.js';
import type { RecordReader } from './codec.js';
import { type Fault, malformed } from './incoming.js';
import * as Kind from './record-kind.js';

/** While batches are sent, the round trip is measured this often: fresh enough for a game's display, at 2 bytes each time. */
const MEASURE_MS = 10_000;
const MAX_PING_BYTES = 8;
const NONE = -1;

/** PING and PONG records. A PING carries a number, so that the PONG of an older one measures nothing. */
export class Pinger {
  readonly #clock: Clock;
  readonly #context: ChannelContext;
  #number = 0;
  #askedAt = 0;
  #isMeasured = false;
  #isAsking = false;
  /** The body of the last PING until its PONG is written: a copy, because a view would keep the batch alive. */
  #answer: Uint8Array | undefined;
  #answerBytes = NONE;
  #hasPong = false;

  constructor(clock: Clock, context: ChannelContext) {
    this.#clock = clock;
    this.#context = context;
  }

  /** Whether a PONG is due. */
  get isDue(): boolean {
    return this.#answerBytes !== NONE;
  }

  ask(): void {
    this.#isAsking = true;
  }

  /** The transport is gone, and its pings with it. */
  reset(): void {
    this.#isAsking = false;
    this.#answerBytes = NONE;
    this.#hasPong = false;
  }

  /** A batch may hold tens of thousands of these, so this only records them; `read` reports a pong once. */
  receive({ kind, batch, start, end }: RecordReader): Fault | undefined {
    if (end - start > MAX_PING_BYTES) return malformed('an invalid PING');
    if (kind === Kind.ping) {
      this.#answerBytes = end - start;
      this.#answer ??= new Uint8Array(MAX_PING_BYTES);
      for (let at = start; at < end; at++) this.#answer[at - start] = batch[at] as number;
    } else {
      this.#hasPong = true;
      if (end - start === 1 && batch[start] === this.#number) this.#measure();
    }
    return undefined;
  }

  /** The whole batch has been read. */
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
    if (this.#answer === undefined || !this.isDue) return;
    batcher.bytesOf(Kind.pong, this.#answer.subarray(0, this.#answerBytes));
    this.#answerBytes = NONE;
  }
}
