import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import type { OutboxBounds } from '../core/options.js';
import { PlainLink } from '../core/plain-link.js';
import type { ReadTurns } from '../platform/node/read-turns.js';
import { NodeWire } from '../platform/node/wire.js';
import type { Carrier } from './accepted-client.js';

/** One WebSocket, whose end is the client's. */
export function plainCarrier(ws: WebSocket, socket: Duplex, turns: ReadTurns, outbox: OutboxBounds, ending: () => void): Carrier {
  return {
    dial: ({ maxMessageBytes }, events) => new NodeWire(ws, events, { socket, turns, ending, maxMessageBytes }),
    makeLink: (host) => new PlainLink(host, outbox),
    resumeWindowMs: undefined,
  };
}
