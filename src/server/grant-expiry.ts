import { type Cancel, type Clock, MAX_TIMER_MS } from '../core/clock.js';
import type { Grant } from './authorization.js';

/** Calls once the grant has expired, unless the returned function is called before. */
export function expiry(clock: Clock, { expiresAt }: Grant, expired: () => void): Cancel {
  if (expiresAt === undefined) return () => {};
  let cancel: Cancel = () => {};
  const wait = () => {
    const restMs = expiresAt.getTime() - clock.now();
    // A timer holds some 24 days at most.
    if (restMs > 0) cancel = clock.after(Math.min(restMs, MAX_TIMER_MS), wait);
    else expired();
  };
  wait();
  return () => cancel();
}
