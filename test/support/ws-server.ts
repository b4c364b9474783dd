import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

export interface WsServer {
  readonly server: WebSocketServer;
  readonly port: number;
  /** Closes the server and destroys its sockets, without a close frame. */
  end(): void;
}

/** A peer with the ws library on a free port of loopback. */
export async function startWs(): Promise<WsServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const end = () => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  };
  return { server, port: (server.address() as AddressInfo).port, end };
}
