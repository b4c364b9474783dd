/**
 * The sides of a comparison. To add a peer, write `sides/<name>.mjs` with `serve` and `connect`, add it here, and name it in the groups
 * that measure it.
 *
 * @typedef {object} Side
 * @property {(onMessage: (text: string, peer: Peer) => void, options?: ServeOptions) => Promise<Server>} serve listens on 127.0.0.1.
 * @property {(port: number, onMessage: (text: string) => void) => Promise<Connection>} connect resolves once messages can be sent.
 *
 * @typedef {unknown} Peer the server's object for one client, opaque to the groups.
 * @typedef {{ readonly port?: number }} ServeOptions port 0, unless set.
 *
 * @typedef {object} Server
 * @property {number} port
 * @property {(peer: Peer, text: string) => void} send
 * @property {(text: string) => void} broadcast sends the text to every client.
 * @property {() => unknown} close
 *
 * @typedef {object} Connection
 * @property {(text: string) => void} send
 * @property {() => unknown} close
 * @property {() => boolean} [isOpen] of a connection that reconnects by itself.
 */

/** Bytes that a server may hold for one client, and the size of the largest message, for every side that has such a bound. */
export const MAX_BYTES = 64 * 1024 * 1024;

/** What a table calls each side. */
export const sideLabels = {
  ws: 'ws',
  uws: 'uWebSockets.js',
  'socket-io': 'socket.io',
  'gemsocket-plain': 'gemsocket, plain',
  'gemsocket-session': 'gemsocket, session',
};

/**
 * @param {string} name
 * @returns {Promise<Side | undefined>} undefined for a name that has a meaning in its group alone.
 */
export const loadSide = async (name) => (name in sideLabels ? import(`./sides/${name}.mjs`) : undefined);
