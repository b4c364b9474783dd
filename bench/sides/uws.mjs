/** A server of uWebSockets.js, in C++. It has no client, so the client is that of ws. */
import uws from 'uwebsockets';
import { MAX_BYTES } from '../sides.mjs';

export { connect } from './ws.mjs';

const ALL = 'all';

/** @type {import('../sides.mjs').Side['serve']} */
export async function serve(onMessage, { port = 0 } = {}) {
  const app = uws.App();
  app.ws('/*', {
    maxPayloadLength: MAX_BYTES,
    maxBackpressure: MAX_BYTES,
    open: (socket) => socket.subscribe(ALL),
    message: (socket, data) => onMessage(Buffer.from(data).toString(), socket),
  });
  const listening = await new Promise((resolve) => app.listen('127.0.0.1', port, resolve));
  return {
    port: uws.us_socket_local_port(listening),
    send: (socket, text) => socket.send(text),
    broadcast: (text) => app.publish(ALL, text),
    close: () => app.close(),
  };
}
