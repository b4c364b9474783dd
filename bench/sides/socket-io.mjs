/** socket.io at both ends, over WebSocket alone. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { MAX_BYTES } from '../sides.mjs';

/** @type {import('../sides.mjs').Side['serve']} */
export async function serve(onMessage, { port = 0 } = {}) {
  const http = createServer();
  const server = new Server(http, { transports: ['websocket'], maxHttpBufferSize: MAX_BYTES });
  server.on('connection', (socket) => socket.on('message', (text) => onMessage(text, socket)));
  http.listen(port, '127.0.0.1');
  await once(http, 'listening');
  return {
    port: http.address().port,
    send: (socket, text) => socket.send(text),
    broadcast: (text) => server.send(text),
    close: () => server.close(),
  };
}

/** @type {import('../sides.mjs').Side['connect']} */
export async function connect(port, onMessage) {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
  socket.on('message', onMessage);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return { send: (text) => socket.send(text), close: () => socket.close() };
}
