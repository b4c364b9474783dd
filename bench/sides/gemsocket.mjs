/** Our client and server, with and without a session. */
import { WebsocketClient } from 'gemsocket';
import { listen } from 'gemsocket/server';
import { MAX_BYTES } from '../sides.mjs';

/** @type {import('../sides.mjs').Side['serve']} */
export async function serve(onMessage, { port = 0 } = {}) {
  const server = await listen('127.0.0.1', port, { maxBufferedBytes: MAX_BYTES });
  server.on('connection', (client) => client.on('message', (text) => onMessage(text, client)));
  return {
    port: server.port,
    send: (client, text) => client.sendMessage(text),
    broadcast: (text) => server.broadcast(text),
    close: () => server.close(),
  };
}

/** @param {import('gemsocket').ClientOptions} options */
export function connectWith(options) {
  /** @type {import('../sides.mjs').Side['connect']} */
  return async (port, onMessage) => {
    const client = new WebsocketClient(`127.0.0.1:${port}`, { onMessage, ...options });
    await client.connect();
    return { send: (text) => client.sendMessage(text), close: () => client.close(), isOpen: () => client.isConnectionOpen() };
  };
}
