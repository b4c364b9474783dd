/** Messages that carry the time at which they were sent, at a steady rate, and the latencies of those that arrive. */
import { createHistogram } from 'node:perf_hooks';

const MESSAGE_BYTES = 64;
const STAMP = /^t(\d+) /;

/** The clock that all processes of one machine share, in microseconds. */
const nowUs = () => process.hrtime.bigint() / 1000n;

export const stamp = () => `t${nowUs()} `.padEnd(MESSAGE_BYTES, 'x');

/** Records the latency of every message with a stamp. */
export class LatencyRecorder {
  #histogram = createHistogram();
  #shares;

  /** @param {Readonly<Record<string, number>>} shares percentiles, by the names that `take` gives them. */
  constructor(shares) {
    this.#shares = Object.entries(shares);
  }

  record(text) {
    const sentAtUs = STAMP.exec(text)?.[1];
    if (sentAtUs !== undefined) this.#histogram.record(Math.max(1, Number(nowUs() - BigInt(sentAtUs))));
  }

  /** Milliseconds, of the messages since the last call. */
  take() {
    const latencies = Object.fromEntries(this.#shares.map(([key, share]) => [key, this.#histogram.percentile(share) / 1000]));
    this.#histogram.reset();
    return latencies;
  }
}

/**
 * Calls `send` for every index below `count`, `hertz` times a second each, spread evenly over the time. A process that is late by more
 * than one tick leaves out what it missed, as a game does, so that a machine that is too slow for the load still ends. Ends with the process.
 */
export function startTicks(hertz, count, send) {
  const perMs = (hertz * count) / 1000;
  const startedAt = performance.now();
  let sent = 0;
  const sendDue = () => {
    const due = (performance.now() - startedAt) * perMs;
    sent = Math.max(sent, Math.floor(due) - count);
    for (; sent < due; sent++) send(sent % count);
    setTimeout(sendDue, 1);
  };
  sendDue();
}
