import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import * as CloseCode from '../core/close-codes.js';
import { OwnedWebSocket, wsLimits } from '../platform/node/ws.js';
import { MAX_BATCH_BYTES, SESSION_PROTOCOL } from '../session/codec.js';
import type { ServerSettings } from './options.js';
import { offeredProtocols } from './request.js';

/** Answers with 101 and returns the WebSocket. Answers an invalid request with 4xx and returns undefined. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => OwnedWebSocket | undefined;

/** A client that offers a session gets one, and the application's subprotocols are negotiated in its handshake. */
export function makeUpgrade(settings: ServerSettings): Upgrade {
  const { protocols, maxMessageBytes } = settings.client;
  // Without a common subprotocol none is selected, and the client decides whether to continue (RFC 6455, 4.1).
  const plain = upgrader(settings, maxMessageBytes, (offered) => [...offered].find((name) => protocols.includes(name)) ?? false);
  if (settings.session === undefined) return plain;
  const session = upgrader(settings, MAX_BATCH_BYTES, () => SESSION_PROTOCOL);
  return (request, socket, head) => (offeredProtocols(request).includes(SESSION_PROTOCOL) ? session : plain)(request, socket, head);
}

/** Adds the limit to the close reason for a message over it: ws sends 1009 without a reason. */
function sayingLimit(maxFrameBytes: number): typeof OwnedWebSocket {
  return class extends OwnedWebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, code === CloseCode.messageTooBig ? (reason ?? `takes ${maxFrameBytes} bytes`) : reason);
    }
  };
}

function upgrader(settings: ServerSettings, maxFrameBytes: number, choose: (offered: Set<string>) => string | false): Upgrade {
  const ws = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // A compression window for each connection costs memory, and few real-time messages compress well (RFC 7692).
    perMessageDeflate: false,
    handleProtocols: choose,
    WebSocket: sayingLimit(maxFrameBytes),
    ...wsLimits(maxFrameBytes, settings.client.closeTimeoutMs),
  });
  return (request, socket, head) => {
    let accepted: OwnedWebSocket | undefined;
    // Calls back synchronously, because there is no verifyClient.
    ws.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
    });
    return accepted;
  };
}
