/** What a browser runs: a connection of the given kind, and streams over it. */
import { connect } from 'gemsocket';
import { session } from 'gemsocket/session';
import { gemsocketPeer, streams } from './streams.mjs';

/** Beyond these bytes in its buffer a sender waits, as `sendMessage` asks for at its own bound. */
const BUSY_BYTES = 262_144;

async function nativePeer(url) {
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  let onMessage = () => {};
  socket.addEventListener('message', ({ data }) => onMessage(data));
  return {
    send: (text) => socket.send(text),
    busy: () => socket.bufferedAmount > BUSY_BYTES,
    rest: () => new Promise((resolve) => setTimeout(resolve, 1)),
    listen: (listener) => {
      onMessage = listener;
    },
  };
}

const openers = {
  native: nativePeer,
  'gemsocket-plain': async (url) => gemsocketPeer(await connect(url, { type: 'insecure' })),
  'gemsocket-session': async (url) => gemsocketPeer(await connect(url, { type: 'insecure', session: session() })),
};
let peer;
globalThis.openPeer = async (side, url) => {
  peer = await openers[side](url);
};
globalThis.stream = (name, total) => streams[name](total, peer);
