/** The two contenders: our client and server, and raw ws on both sides. Each server echoes; each client calls back for each message. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { WebsocketClient } from 'gemsocket';
import { listen } from 'gemsocket/server';
import { WebSocket, WebSocketServer } from 'ws';

export async function gemsocketServer() {
  const server = await listen('127.0.0.1', 0);
  server.on('connection', (client) => client.on('message', (message) => client.sendMessage(message)));
  return { port: server.port, close: () => server.close() };
}

export async function gemsocketClient(port, onMessage = () => {}) {
  const client = new WebsocketClient(`127.0.0.1:${port}`, { onMessage });
  await client.connect();
  return { send: (text) => client.sendMessage(text), close: () => client.close() };
}

export async function wsServer() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => socket.on('message', (message) => socket.send(message.toString())));
  await once(server, 'listening');
  return { port: server.address().port, close: () => new Promise((resolve) => server.close(resolve)) };
}

export async function wsClient(port, onMessage = () => {}) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on('message', (message) => onMessage(message.toString()));
  await once(socket, 'open');
  const close = async () => {
    socket.close(1000);
    await once(socket, 'close');
  };
  return { send: (text) => socket.send(text), close };
}

/** The peer of the session benchmarks and its ports: see session-peer.mjs. */
export async function startSessionPeer() {
  const child = fork(fileURLToPath(new URL('./session-peer.mjs', import.meta.url)));
  const [ports] = await once(child, 'message');
  return { ports, stop: () => child.disconnect() };
}
