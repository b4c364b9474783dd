import type { Continuity } from '../../../src/core/types.js';
import type { Subscription } from '../../../src/entry/topics.js';
import type { Logged } from './faulty-backplane.js';

/** A subscription as the application sees it, and what it has got of the log. */
export class Reader {
  readonly topic: string;
  readonly reports: Continuity[] = [];
  readonly read: { readonly text: string; readonly position: string }[] = [];
  readonly heard: string[] = [];
  error: unknown;
  isRevoked = false;
  isSettled = false;
  readonly abort = new AbortController();
  subscription: Subscription | undefined;
  /** Position before the first message. */
  #begin: string | undefined;
  /** The position that it asked for: what is lost since then is in the first report. */
  readonly #from: string | undefined;

  constructor(topic: string, from: string | undefined, granted: (signal: AbortSignal) => Promise<Subscription>) {
    this.topic = topic;
    this.#from = from;
    granted(this.abort.signal).then(
      (subscription) => this.#granted(subscription),
      (error) => {
        this.isSettled = true;
        this.error = error;
      },
    );
  }

  take(max = Number.POSITIVE_INFINITY): number {
    let count = 0;
    for (; count < max; count++) {
      const next = this.subscription?.getMessage();
      if (next === undefined) break;
      const { message, position } = next;
      if (position === undefined) this.heard.push(message as string);
      else this.read.push({ text: message as string, position });
    }
    return count;
  }

  get lost(): number | undefined {
    let lost: number | undefined = 0;
    for (const report of this.reports) lost = lost === undefined || report.lost === undefined ? undefined : lost + report.lost;
    return lost;
  }

  /** How what was read differs from the log; undefined if it does not. */
  faultIn(log: readonly Logged[], isWhole: boolean): string | undefined {
    const indexOf = new Map(log.map(({ position }, index) => [position, index]));
    const indices = this.read.map(({ position }) => indexOf.get(position) ?? Number.NaN);
    if (indices.some(Number.isNaN)) return 'a message that is not in the log';
    if (indices.some((at, index) => index > 0 && at <= (indices[index - 1] as number))) return `out of order: ${indices}`;
    if (this.read.some(({ text }, index) => log[indices[index] as number]?.text !== text)) return 'another text';
    if (!isWhole || this.isRevoked || this.lost === undefined) return undefined;
    const begin = this.#begin === undefined ? 0 : (indexOf.get(this.#begin) ?? Number.NaN) + 1;
    const expected = log.length - begin;
    const found = this.read.length + this.lost;
    return found === expected ? undefined : `${this.read.length} read and ${this.lost} lost of ${expected}, read ${indices} after ${begin}`;
  }

  #granted(subscription: Subscription): void {
    this.isSettled = true;
    this.subscription = subscription;
    this.#begin = this.#from ?? subscription.position;
    subscription.on('continuity', (report) => this.reports.push(report));
    subscription.on('revoked', () => {
      this.isRevoked = true;
    });
  }
}
