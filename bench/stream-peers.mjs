/** Both kinds of server and of Node client for the streams of streams.mjs, each a `StreamPeer`. */
import { once } from 'node:events';
import { connect } from 'gemsocket';
import { listen } from 'gemsocket/server';
import { session } from 'gemsocket/session';
import { WebSocket, WebSocketServer } from 'ws';
import { answer, gemsocketPeer } from './streams.mjs';

/** Beyond these bytes in its buffer ws waits, as our `sendMessage` asks for at its own bound. */
const BUSY_BYTES = 1_048_576;

const wsPeer = (socket) => ({
  send: (text) => socket.send(text),
  busy: () => socket.bufferedAmount > BUSY_BYTES,
  rest: () => new Promise((resolve) => setTimeout(resolve, 1)),
  listen: (listener) => socket.removeAllListeners('message').on('message', (data) => listener(data.toString())),
});

/** The roles of a group whose server answers streams, with ws and with ours. */
export const answeringServers = {
  ws: async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => answer(wsPeer(socket)));
    await once(server, 'listening');
    return { port: () => server.address().port };
  },
  gemsocket: async () => {
    const server = await listen('127.0.0.1', 0, { origins: '*' });
    server.on('connection', (client) => answer(gemsocketPeer(client)));
    return { port: () => server.port };
  },
};

/** Open a connection in Node. */
export const openers = {
  ws: async (url) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return wsPeer(socket);
  },
  'gemsocket-plain': async (url) => gemsocketPeer(await connect(url, { type: 'insecure' })),
  'gemsocket-session': async (url) => gemsocketPeer(await connect(url, { type: 'insecure', session: session() })),
};
