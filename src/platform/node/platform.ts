import { setMaxListeners } from 'node:events';
import { publicAddress } from '../../core/address.js';
import { systemClock } from '../../core/clock.js';
import type { Platform } from '../../core/platform.js';
import type { DialRequest, Transport, TransportEvents } from '../../core/transport.js';
import { PackedQueue } from './packed-queue.js';
import { watchProcess } from './process-life.js';
import { NodeTransport } from './transport.js';
import { OwnedWebSocket, wsLimits } from './ws.js';

function dial(request: DialRequest, events: TransportEvents): Transport {
  const ws = new OwnedWebSocket(request.url, [...request.protocols], {
    // A compression window for each connection costs memory, and few real-time messages compress well (RFC 7692).
    perMessageDeflate: false,
    ...request.node,
    ...wsLimits(request.maxMessageBytes, request.closeTimeoutMs),
  });
  return new NodeTransport(ws, { address: publicAddress(request.url), maxMessageBytes: request.maxMessageBytes }, events);
}

/** Node: `ws`, and the life of the process. */
export const nodePlatform: Platform = {
  name: 'node',
  dial,
  clock: systemClock,
  random: Math.random,
  // After the microtasks that run now: sends with an `await` between them leave together, and a lone one sooner than with setImmediate
  // (measured with one message in flight: 0.71 of raw ws against 0.58).
  makeEndOfTurn: () => process.nextTick,
  byteLength: (text) => Buffer.byteLength(text),
  makeInboxQueue: () => new PackedQueue(),
  lifecycle: { watch: watchProcess },
  report: (error) => console.error(error),
  acceptsNodeOptions: true,
  // Under this platform's conditions "gemsocket/shared" is this entry.
  otherOptions: { shared: () => undefined },
};

/** Allows any number of clients to share a signal: Node warns of a leak from eleven listeners on. */
export function shareSignal(signal: AbortSignal | undefined): void {
  if (signal instanceof EventTarget) setMaxListeners(0, signal);
}
