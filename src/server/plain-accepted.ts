import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import type { OutboxBounds } from '../core/options.js';
import { PlainChannel } from '../core/plain-channel.js';
import type { ReadScheduler } from '../platform/node/read-scheduler.js';
import { NodeTransport } from '../platform/node/transport.js';
import type { AcceptedTransport } from './accepted-client.js';

/** One WebSocket, whose end is the client's. */
export function plainAccepted(
  ws: WebSocket,
  socket: Duplex,
  scheduler: ReadScheduler,
  outbox: OutboxBounds,
  ending: () => void,
): AcceptedTransport {
  return {
    dial: ({ maxMessageBytes }, events) => new NodeTransport(ws, events, { socket, scheduler, ending, maxMessageBytes }),
    makeChannel: (events) => new PlainChannel(events, outbox),
    resumeWindowMs: undefined,
  };
}
