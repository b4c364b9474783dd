/** Time, handed to each client so that tests can own it. */
export interface Clock {
  /** Wall-clock milliseconds: they go on while a laptop sleeps, which is how a sleep is noticed. */
  now(): number;
  /** Calls once after the delay, unless cancelled. */
  after(delayMs: number, call: () => void): Cancel;
}

/** Safe to call twice, and after the call was made. */
export type Cancel = () => void;
