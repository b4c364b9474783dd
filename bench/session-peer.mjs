/**
 * The peer of the session benchmarks, in its own process: raw ws on one port, our server on another.
 * 'e…' is echoed, 'c…' counted, 'count?' answered with the count, 'flood N' with N messages.
 */
import { listen } from 'gemsocket/server';
import { WebSocketServer } from 'ws';

const BUSY_BYTES = 1_048_576;

function answering(send, drained) {
  let count = 0;
  return async (text) => {
    if (text[0] === 'e') send(text);
    else if (text === 'count?') {
      send(String(count));
      count = 0;
    } else if (text[0] === 'c') count += 1;
    else {
      const message = 'm'.repeat(64);
      for (let left = Number(text.split(' ')[1]); left > 0; left--) if (!send(message)) await drained();
    }
  };
}

const ours = await listen('127.0.0.1', 0, { origins: '*' });
ours.on('connection', (client) => {
  client.on(
    'message',
    answering(
      (text) => client.sendMessage(text),
      () => client.drained(),
    ),
  );
});

const raw = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
raw.on('connection', (socket) => {
  const send = (text) => {
    socket.send(text);
    return socket.bufferedAmount < BUSY_BYTES;
  };
  const answer = answering(send, () => new Promise((resolve) => setTimeout(resolve, 1)));
  socket.on('message', (data) => answer(data.toString()));
});
raw.on('listening', () => process.send({ session: ours.port, raw: raw.address().port }));
// Exits with its parent process, and normally, so that a profiler can write its results.
process.on('disconnect', () => process.exit());
