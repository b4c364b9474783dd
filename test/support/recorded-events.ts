import type { TransportEvents } from '../../src/core/transport.js';

/** Records the events of a transport, in order. */
export function recordedEvents(): { readonly events: TransportEvents; readonly reported: readonly unknown[] } {
  const reported: unknown[] = [];
  const events: TransportEvents = {
    opened: () => void reported.push('opened'),
    received: (message, bytes) => void reported.push([message, bytes]),
    alive: () => void reported.push('alive'),
    pong: () => void reported.push('pong'),
    drained: () => void reported.push('drained'),
    closed: (info, error) => void reported.push({ ...info, error: error?.code, context: error?.context }),
  };
  return { events, reported };
}
