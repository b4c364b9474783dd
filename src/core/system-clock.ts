import type { Clock } from './clock.js';

/** The wall clock and the timers of the runtime, which are the same everywhere. Tests use another clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
