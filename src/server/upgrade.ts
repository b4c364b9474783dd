import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import WebSocket from 'isomorphic-ws';
import { WebSocketServer } from 'ws';
import * as CloseCode from '../core/close-code.js';
import { wsLimits } from '../platform/node/ws.js';
import { MAX_BATCH_BYTES, SESSION_PROTOCOL } from '../session/codec.js';
import type { ServerSettings } from './options.js';

/** Answers with 101 and returns the WebSocket; where the request is not one for a WebSocket, with 4xx and undefined. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => WebSocket | undefined;

/** A client that offers sessions gets one: the application's subprotocols are then negotiated inside. */
export function makeUpgrade(settings: ServerSettings): Upgrade {
  const { protocols, maxMessageBytes } = settings.client;
  // Without a common one the handshake goes on without: the client decides whether it wants that (RFC 6455, 4.1).
  const plain = upgrader(settings, maxMessageBytes, (offered) => [...offered].find((name) => protocols.includes(name)) ?? false);
  if (settings.session === undefined) return plain;
  const session = upgrader(settings, MAX_BATCH_BYTES, () => SESSION_PROTOCOL);
  return (request, socket, head) => (offersSession(request) ? session : plain)(request, socket, head);
}

function offersSession(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  return offered.some((name) => name.trim() === SESSION_PROTOCOL);
}

/** ws closes a message over the limit with 1009 and no reason: the peer needs the limit to know what to change. */
function sayingLimit(maxFrameBytes: number): typeof WebSocket {
  return class extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, code === CloseCode.messageTooBig ? (reason ?? `takes ${maxFrameBytes} bytes`) : reason);
    }
  };
}

function upgrader(settings: ServerSettings, maxFrameBytes: number, choose: (offered: Set<string>) => string | false): Upgrade {
  const ws = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Off unless asked for: a window per connection costs memory, and few live messages compress (RFC 7692).
    perMessageDeflate: false,
    handleProtocols: choose,
    WebSocket: sayingLimit(maxFrameBytes),
    ...wsLimits(maxFrameBytes, settings.client.closeTimeoutMs),
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
