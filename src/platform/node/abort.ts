import { setMaxListeners } from 'node:events';

/** Any number of clients may wait for one signal. Node takes more than ten listeners of an event for a leak, and says so. */
export function shareSignal(signal: AbortSignal | undefined): void {
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
}
