/** Time as the memory needs it, so that tests can own it. */
export interface MemoryClock {
  /** Wall-clock milliseconds. */
  now(): number;
  /** Calls once after the delay, unless the returned function is called. MUST NOT keep the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** The clock of the runtime. In Node, its timers do not keep the process alive. */
export const runtimeClock: MemoryClock = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    if (hasUnref(timer)) timer.unref();
    return () => clearTimeout(timer);
  },
};

function hasUnref(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function';
}

/**
 * Milliseconds that only increase: if the wall clock is set back, every age goes on from its value at the last look. Time between
 * that look and the step back is not counted.
 */
export class ElapsedTime {
  readonly #clock: MemoryClock;
  #lastMs: number;
  #elapsedMs = 0;

  constructor(clock: MemoryClock) {
    this.#clock = clock;
    this.#lastMs = clock.now();
  }

  now(): number {
    const nowMs = this.#clock.now();
    if (nowMs > this.#lastMs) this.#elapsedMs += nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    return this.#elapsedMs;
  }
}
