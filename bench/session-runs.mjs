/** The measurements of a connection, raw or with a session, for Node and for a page. Each returns a rate per second. */

/** The interface that the runs need of a connection: `hear` replaces the listener, `rest` waits until `busy` is over. */
export function sessionPeer(client) {
  let listener = () => {};
  let isBusy = false;
  client.on('message', (message) => listener(message));
  return {
    send: (text) => {
      isBusy = !client.sendMessage(text);
    },
    hear: (to) => {
      listener = to;
    },
    busy: () => isBusy,
    rest: async () => {
      await client.drained();
      isBusy = false;
    },
  };
}

const message = (letter) => letter.repeat(64);

/** Round trips with the given number of messages in transit at any time. */
export function echo(inFlight, total) {
  const text = message('e');
  return (peer) =>
    timed(total, (done) => {
      let sent = 0;
      let heard = 0;
      peer.hear(() => {
        heard += 1;
        if (heard === total) done();
        else if (sent < total) {
          sent += 1;
          peer.send(text);
        }
      });
      for (; sent < inFlight; sent++) peer.send(text);
    });
}

/** Messages from this side to the peer. The clock stops when the peer has counted them all. */
export function send(total, pause = () => {}) {
  const text = message('c');
  return (peer) =>
    timed(total, async (done) => {
      for (let sent = 0; sent < total; sent++) {
        peer.send(text);
        const pausing = pause();
        if (pausing !== undefined) await pausing;
        if (peer.busy()) await peer.rest();
      }
      peer.hear((count) => {
        if (Number(count) !== total) throw new Error(`The other side counted ${count} of ${total} messages.`);
        done();
      });
      peer.send('count?');
    });
}

/** Messages from the peer to this side. */
export function receive(total) {
  return (peer) =>
    timed(total, (done) => {
      let heard = 0;
      peer.hear(() => {
        heard += 1;
        if (heard === total) done();
      });
      peer.send(`flood ${total}`);
    });
}

async function timed(total, work) {
  const startedAt = performance.now();
  await new Promise((resolve) => work(resolve));
  return (total / (performance.now() - startedAt)) * 1000;
}
