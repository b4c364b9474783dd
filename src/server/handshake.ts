import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import { WebSocketServer } from 'ws';
import { wsLimits } from '../platform/node/limits.js';
import type { ServerSettings } from './options.js';

/** Answers with 101 and returns the WebSocket; where the request is not one for a WebSocket, with 4xx and undefined. */
export type Handshake = (request: IncomingMessage, socket: Duplex, head: Buffer) => WebSocket | undefined;

export function makeHandshake(settings: ServerSettings): Handshake {
  const { protocols, maxMessageBytes, closeTimeoutMs } = settings.client;
  const ws = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Off unless asked for: a window per connection costs memory, and few live messages compress (RFC 7692).
    perMessageDeflate: false,
    // Without a common one the handshake goes on without: the client decides whether it wants that (RFC 6455, 4.1).
    handleProtocols: (offered) => [...offered].find((name) => protocols.includes(name)) ?? false,
    ...wsLimits(maxMessageBytes, closeTimeoutMs),
  });
  return (request, socket, head) => {
    let accepted: WebSocket | undefined;
    // Synchronous: there is no verifyClient to wait for.
    ws.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
    });
    return accepted;
  };
}
