import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import type { OutboxBounds } from '../core/options.js';
import { PlainLink } from '../core/plain-link.js';
import { NodeWire } from '../platform/node/wire.js';
import type { Carrier } from './accepted-client.js';

/** One WebSocket, whose end is the client's. */
export function plainCarrier(ws: WebSocket, socket: Duplex, outbox: OutboxBounds, ending: () => void): Carrier {
  return {
    dial: ({ maxMessageBytes }, events) => new NodeWire(ws, events, { socket, ending, maxMessageBytes }),
    makeLink: (host) => new PlainLink(host, outbox),
    resumeWindowMs: undefined,
  };
}
