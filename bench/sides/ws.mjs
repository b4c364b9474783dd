/** Raw ws at both ends: the unit of every ratio. */
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_BYTES } from '../sides.mjs';

/** @type {import('../sides.mjs').Side['serve']} */
export async function serve(onMessage, { port = 0 } = {}) {
  const server = new WebSocketServer({ host: '127.0.0.1', port, maxPayload: MAX_BYTES });
  server.on('connection', (socket) => socket.on('message', (data) => onMessage(data.toString(), socket)));
  await once(server, 'listening');
  return {
    port: server.address().port,
    send: (socket, text) => socket.send(text),
    broadcast: (text) => {
      for (const socket of server.clients) socket.send(text);
    },
    close: () => server.close(),
  };
}

/** @type {import('../sides.mjs').Side['connect']} */
export async function connect(port, onMessage) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on('message', (data) => onMessage(data.toString()));
  await once(socket, 'open');
  return {
    send: (text) => socket.send(text),
    close: async () => {
      socket.close(1000);
      await once(socket, 'close');
    },
  };
}
