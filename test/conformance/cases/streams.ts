import { equal, fails } from '../assert.js';
import { after, counting, nextMessage, poll } from '../bench.js';
import { test } from '../case.js';

export const streamCases = [
  test('streams: written messages arrive, and arriving messages can be read', async (bench) => {
    const { readable, writable } = bench.gemsocket.streams(await bench.connect('/echo'));
    const [writer, reader] = [writable.getWriter(), readable.getReader()];
    await writer.write('text');
    await writer.write(counting(3));
    await writer.write(new DataView(counting(9).buffer, 8));
    const read = [await reader.read(), await reader.read(), await reader.read()].map(({ value }) => value);
    equal(read, ['text', counting(3), Uint8Array.of(8)], 'what was read');
  }),
  test('streams: take nothing from the inbox before they are asked', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ text: '1' }, { text: '2' }]] });
    const reader = bench.gemsocket.streams(client).readable.getReader();
    equal(await nextMessage(client), '1', 'the message that a poll finds');
    equal((await reader.read()).value, '2', 'the message that the stream finds');
  }),
  test('streams: a write waits while the peer takes nothing', async (bench) => {
    const client = await bench.connect(
      '/sink',
      {},
      { closeTimeoutMs: 500, outbox: { highWaterBytes: 65_536, maxBytes: 32 * 1024 * 1024 } },
    );
    await bench.command({ silence: true });
    const writer = bench.gemsocket.streams(client).writable.getWriter();
    const mebibyte = counting(1024 * 1024);
    let [written, isOver] = [0, false];
    // More than the system's buffers hold, and than WebKitGTK's own process for the network takes in the time that is waited.
    const writing = (async () => {
      for (; written < 64 && !isOver; written++) await writer.write(mebibyte);
    })();
    await Promise.race([writing, after(300)]);
    const stalledAt = written;
    isOver = true; // after the write that waits
    await bench.command({ silence: false });
    await writing;
    equal([stalledAt < 64, written], [true, stalledAt + 1], 'the writes, stalled and then done');
  }),
  test('streams: closing the writable closes the connection, after the written messages', async (bench) => {
    const client = await bench.connect('/echo');
    const writer = bench.gemsocket.streams(client).writable.getWriter();
    void writer.write('last');
    await writer.close();
    equal(client.state, 'closed', 'the state');
    const [seen] = (await bench.log({ closed: 1 })).connections;
    equal([seen?.messages, seen?.closed?.code], [['text last'], 1000], 'what the server saw');
  }),
  test('streams: cancelling the readable closes the connection', async (bench) => {
    const client = await bench.connect('/echo');
    await bench.gemsocket.streams(client).readable.cancel();
    equal(client.state, 'closed', 'the state');
    equal((await bench.log({ closed: 1 })).connections[0]?.closed?.code, 1000, 'the code that the server saw');
  }),
  test('streams: a writable errors with CONNECTION_LOST when the connection ends', async (bench) => {
    const client = await bench.connect('/echo', {}, { reconnect: false });
    const writer = bench.gemsocket.streams(client).writable.getWriter();
    const closed = fails(() => writer.closed, 'CONNECTION_LOST');
    await bench.command({ close: [4001, 'bye'] });
    equal((await closed).context, { code: 4001, reason: 'bye', wasClean: true }, 'the context');
    await fails(() => writer.write('late'), 'CONNECTION_LOST');
    await poll(client);
  }),
  test('streams: can be piped', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ text: 'a' }, { text: 'b' }, { close: [1000] }]] });
    const upper = new TransformStream<string | Uint8Array, string>({
      transform: (message, controller) => controller.enqueue(String(message).toUpperCase()),
    });
    const reader = bench.gemsocket.streams(client).readable.pipeThrough(upper).getReader();
    const read = [await reader.read(), await reader.read(), await reader.read()];
    equal(
      read.map(({ done, value }) => (done ? 'the end' : value)),
      ['A', 'B', 'the end'],
      'what came through',
    );
  }),
];
