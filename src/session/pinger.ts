import type { Clock } from '../core/clock.js';
import type { SessionHost } from '../core/link.js';
import type { Batcher } from './batcher.js';
import { type Fault, malformed } from './incoming.js';
import { Kind, type RecordReader } from './records.js';

/** While batches leave, the round trip is measured this often: fresh enough for a game's display, and 2 bytes each time. */
const MEASURE_MS = 10_000;
const MAX_PING_BYTES = 8;

/** Pings and answers in records. A ping carries a number, so that an answer to an older one measures nothing. */
export class Pinger {
  readonly #clock: Clock;
  readonly #host: Pick<SessionHost, 'pong' | 'measured'>;
  #number = 0;
  #askedAt = 0;
  #isAsking = false;
  #answer: Uint8Array | undefined;

  constructor(clock: Clock, host: Pick<SessionHost, 'pong' | 'measured'>) {
    this.#clock = clock;
    this.#host = host;
  }

  /** Whether the peer waits for an answer. */
  get isDue(): boolean {
    return this.#answer !== undefined;
  }

  ask(): void {
    this.#isAsking = true;
  }

  /** The wire is gone, and all questions with it. */
  reset(): void {
    this.#isAsking = false;
    this.#answer = undefined;
  }

  receive({ kind, batch, start, end }: RecordReader): Fault | undefined {
    if (end - start > MAX_PING_BYTES) return malformed('a ping that is too long');
    if (kind === Kind.ping) this.#answer = batch.slice(start, end);
    else {
      if (end - start === 1 && batch[start] === this.#number) this.#host.measured(Math.max(0, this.#clock.now() - this.#askedAt));
      this.#host.pong();
    }
    return undefined;
  }

  write(batcher: Batcher): void {
    const now = this.#clock.now();
    if (this.#isAsking || Math.abs(now - this.#askedAt) >= MEASURE_MS) {
      this.#isAsking = false;
      this.#askedAt = now;
      this.#number = (this.#number + 1) % 0x80;
      batcher.number(Kind.ping, this.#number);
    }
    if (this.#answer === undefined) return;
    batcher.bytesOf(Kind.pong, this.#answer);
    this.#answer = undefined;
  }
}
