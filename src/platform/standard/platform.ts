import { systemClock } from '../../core/clock.js';
import { makeError } from '../../core/errors.js';
import type { Platform } from '../../core/platform.js';
import type { DialRequest, Transport, TransportEvents } from '../../core/transport.js';
import { WhatwgTransport, type WhatwgWebSocket } from '../../core/whatwg-transport.js';

type WebSocketConstructor = new (url: string, protocols?: string[]) => WhatwgWebSocket;

function dial(request: DialRequest, events: TransportEvents): Transport {
  // Read at every attempt, so that a WebSocket that the application installs later is used.
  const { WebSocket } = globalThis as { WebSocket?: WebSocketConstructor };
  if (WebSocket === undefined) throw makeError('UNSUPPORTED', { platform: 'standard' });
  return new WhatwgTransport(new WebSocket(request.url.href, request.protocols as string[]), events, request, systemClock);
}

/** Calls the functions as globals: called as methods of another object they throw in a worker. */
function makeEndOfTurn(): (call: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => unknown };
  return setImmediate === undefined ? (call) => queueMicrotask(call) : (call) => setImmediate(call);
}

/** Deno, Bun, workers and edge runtimes: it needs a global WebSocket only. */
export const standardPlatform: Platform = {
  name: 'standard',
  dial,
  clock: systemClock,
  random: Math.random,
  lifecycle: { watch: () => () => {} },
  makeEndOfTurn,
  report: (error) => console.error(error),
  acceptsNodeOptions: false,
  // On this platform, "gemsocket/shared" is the entry of "gemsocket".
  otherOptions: { shared: () => undefined },
};
