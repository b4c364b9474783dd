/** Time, handed to each client so that tests can own it. */
export interface Clock {
  /** Wall-clock milliseconds. They continue while a laptop sleeps, which is how a sleep is detected. */
  now(): number;
  /** Calls once after the delay, unless cancelled. */
  after(delayMs: number, call: () => void): Cancel;
}

/** Safe to call twice, and after the call was made. */
export type Cancel = () => void;

/** A timer that is this late shows that the program was busy, or the machine asleep: an answer may be unread. */
export const LATE_MS = 20;

/** The time to read it: several rounds of I/O, as a handshake over TLS takes. */
export const GRACE_MS = 500;

/** So that a program that is always busy still has deadlines. */
export const MAX_GRACES = 3;

/** As `after`, for the end of a wait: if the timer is late, data that arrived in time is read before the call. */
export function deadline(clock: Clock, delayMs: number, call: () => void, graces = MAX_GRACES): Cancel {
  const dueAt = clock.now() + delayMs;
  let cancel = clock.after(delayMs, () => {
    if (graces === 0 || clock.now() - dueAt < LATE_MS) call();
    else cancel = deadline(clock, GRACE_MS, call, graces - 1);
  });
  return () => cancel();
}

/** The delay of `setTimeout` has 31 bits: with a longer one it runs at once in every runtime. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The wall clock and the timers of the runtime, which are the same everywhere. Tests use another clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
