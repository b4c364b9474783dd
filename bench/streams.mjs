/**
 * Long streams of messages in one direction, and round trips, over one connection of any kind, in Node and in a browser.
 *
 * @typedef {object} StreamPeer one end of a connection.
 * @property {(text: string) => void} send
 * @property {() => boolean} busy whether the sender should wait.
 * @property {() => Promise<unknown>} rest resolves when it may go on.
 * @property {(listener: (text: string) => void) => void} listen replaces the listener.
 */

/** @returns {StreamPeer} of our client, on either side. */
export function gemsocketPeer(client) {
  let onMessage = () => {};
  let isBusy = false;
  client.on('message', (message) => onMessage(message));
  return {
    send: (text) => {
      isBusy = !client.sendMessage(text);
    },
    listen: (listener) => {
      onMessage = listener;
    },
    busy: () => isBusy,
    rest: async () => {
      await client.drained();
      isBusy = false;
    },
  };
}

const MESSAGE_BYTES = 64;
const message = (letter) => letter.repeat(MESSAGE_BYTES);

/** The other end: it echoes 'e…', counts 'c…', answers 'count?' with the count, and 'flood N' with N messages. */
export function answer(peer) {
  let count = 0;
  peer.listen(async (text) => {
    if (text[0] === 'e') peer.send(text);
    else if (text === 'count?') {
      peer.send(String(count));
      count = 0;
    } else if (text[0] === 'c') count += 1;
    else {
      const reply = message('m');
      for (let left = Number(text.split(' ')[1]); left > 0; left--) {
        peer.send(reply);
        if (peer.busy()) await peer.rest();
      }
    }
  });
}

/** Each takes a number of messages and this end of a connection, and resolves with the messages a second. */
export const streams = {
  /** From this end. The clock stops when the other end has counted them all. */
  sending: (total, peer) =>
    rateOf(total, async (done) => {
      const text = message('c');
      peer.listen((count) => {
        if (Number(count) !== total) throw new Error(`The other end counted ${count} of ${total} messages.`);
        done();
      });
      for (let sent = 0; sent < total; sent++) {
        peer.send(text);
        if (peer.busy()) await peer.rest();
      }
      peer.send('count?');
    }),
  /** From the other end. */
  receiving: (total, peer) =>
    rateOf(total, (done) => {
      let received = 0;
      peer.listen(() => {
        received += 1;
        if (received === total) done();
      });
      peer.send(`flood ${total}`);
    }),
  /** One in transit at any time. */
  'round trips': (total, peer) =>
    rateOf(total, (done) => {
      const text = message('e');
      let received = 0;
      peer.listen(() => {
        received += 1;
        if (received === total) done();
        else peer.send(text);
      });
      peer.send(text);
    }),
};

async function rateOf(total, work) {
  const startedAt = performance.now();
  await new Promise((resolve) => work(resolve));
  return (total / (performance.now() - startedAt)) * 1000;
}
