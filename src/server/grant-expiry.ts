import { MAX_TIMER_MS } from '../core/clock.js';
import type { Grant } from './authorization.js';

/** Calls once the grant has expired, unless the returned function is called before. */
export function expiry({ expiresAt }: Grant, expired: () => void): () => void {
  if (expiresAt === undefined) return () => {};
  let timer: NodeJS.Timeout;
  const wait = () => {
    const restMs = expiresAt.getTime() - Date.now();
    if (restMs <= 0) return expired();
    // A timer holds some 24 days at most.
    timer = setTimeout(wait, Math.min(restMs, MAX_TIMER_MS));
    timer.unref();
  };
  wait();
  return () => clearTimeout(timer);
}
