import type { Clock } from './clock.js';

/** The clock on the wall and the runtime's own timers, which are the same everywhere. Tests bring another. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
