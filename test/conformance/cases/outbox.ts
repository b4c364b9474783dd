import { assert, equal, fails, throwsAtOnce } from '../assert.js';
import { counting, nextMessage } from '../bench.js';
import { test } from '../case.js';

const MEBIBYTE = 1024 * 1024;

export const outboxCases = [
  test('outbox: sending before connect() is NOT_OPEN', (bench) => {
    const client = bench.client(bench.address('/echo'));
    equal(throwsAtOnce(() => client.sendMessage('early'), 'NOT_OPEN').context.state, 'idle', 'context.state');
  }),
  test('outbox: messages sent while connecting arrive first, in order', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    client.on('open', () => client.sendMessage('3'));
    const connecting = client.connect();
    client.sendMessage('1');
    client.sendMessageBinary(Uint8Array.of(2));
    equal([client.state, client.bufferedBytes, client.stats.messagesSent], ['connecting', 2, 0], 'the client before');
    await connecting;
    equal([await nextMessage(client), await nextMessage(client), await nextMessage(client)], ['1', Uint8Array.of(2), '3'], 'the echoes');
  }),
  test('outbox: over maxBytes is OUTBOX_FULL; a message that fits is still accepted', async (bench) => {
    const client = bench.client(bench.address('/silent'), { outbox: { maxBytes: 1_000 } });
    client.connect().catch(() => {});
    client.sendMessage('a'.repeat(600));
    const { context } = throwsAtOnce(() => client.sendMessage('b'.repeat(600)), 'OUTBOX_FULL');
    equal(context, { buffered: 600, size: 600, limit: 1_000 }, 'the context');
    client.sendMessageBinary(counting(400));
    throwsAtOnce(() => client.sendMessage('c'), 'OUTBOX_FULL');
    equal(client.bufferedBytes, 1_000, 'the bytes that wait');
  }),
  test('outbox: is bounded while open, too, when the peer stops reading', async (bench) => {
    const client = await bench.connect(
      '/sink',
      { open: [[{ text: 'ready' }, { silence: true }]] },
      { closeTimeoutMs: 100, outbox: { maxBytes: MEBIBYTE } },
    );
    await nextMessage(client);
    const bytes = counting(65_536);
    let accepted = 0;
    throwsAtOnce(() => {
      for (; accepted < 1_000; accepted++) client.sendMessageBinary(bytes);
    }, 'OUTBOX_FULL');
    assert(accepted >= 15 && client.bufferedBytes <= MEBIBYTE, `the bound to hold: ${accepted} accepted, ${client.bufferedBytes} wait`);
  }),
  test('outbox: a send tells when the high-water mark is reached, and drained() when half is gone', async (bench) => {
    const client = await bench.connect('/sink', {}, { outbox: { highWaterBytes: MEBIBYTE, maxBytes: 32 * MEBIBYTE } });
    equal(client.sendMessage('little'), true, 'what a small send returns');
    await client.drained();
    await bench.command({ silence: true }); // a peer that reads may take all as fast as it is sent
    const bytes = counting(65_536);
    let sent = 1;
    for (; client.sendMessageBinary(bytes); sent++) assert(sent < 256, 'a send to return false');
    assert(client.bufferedBytes >= MEBIBYTE, `the mark to be reached, not ${client.bufferedBytes}`);
    await bench.command({ silence: false });
    await client.drained();
    assert(client.bufferedBytes * 2 <= MEBIBYTE, `half of the mark or less to wait, not ${client.bufferedBytes}`);
    const messages = sent + 1; // the one that was answered with false is accepted like the others
    equal((await bench.log({ messages })).connections[0]?.messages.length, messages, 'the messages that the server saw');
  }),
  test('outbox: drained() is NOT_OPEN when the connection ends first', async (bench) => {
    const client = bench.client(bench.address('/silent'), { outbox: { highWaterBytes: 10 } });
    client.connect().catch(() => {});
    client.sendMessage('a'.repeat(100));
    const drained = client.drained();
    void client.close();
    await fails(() => drained, 'NOT_OPEN');
    await fails(() => client.drained(), 'NOT_OPEN');
  }),
  test('outbox: volatile is sent when it can leave at once, and shed when it cannot', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    const connecting = client.connect();
    client.sendMessage('stale', 'volatile');
    equal([client.bufferedBytes, client.stats.messagesShed], [0, 1], 'the bytes that wait, and the shed');
    await connecting;
    client.sendMessage('fresh', 'volatile');
    equal([await nextMessage(client), client.stats.messagesShed, client.stats.messagesSent], ['fresh', 1, 1], 'the echo and the counts');
  }),
  test('outbox: latest takes the place of the older message with its key', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    const connecting = client.connect();
    client.sendMessage('position 1', { latest: 'position' });
    client.sendMessage('score 1', { latest: 'score' });
    client.sendMessage('chat');
    client.sendMessageBinary(Uint8Array.of(2), { latest: 'position' });
    client.sendMessage('position three', { latest: 'position' });
    equal([client.bufferedBytes, client.stats.messagesShed], [25, 2], 'the bytes that wait, and the shed');
    await connecting;
    const echoes = [await nextMessage(client), await nextMessage(client), await nextMessage(client)];
    equal(echoes, ['position three', 'score 1', 'chat'], 'the echoes');
    client.sendMessage('position 4', { latest: 'position' });
    equal(await nextMessage(client), 'position 4', 'the next of the same key');
  }),
  test('outbox: accepted messages that were never sent are UNSENT, with the count', async (bench) => {
    const client = bench.client(bench.address('/silent'));
    const errors: unknown[] = [];
    client.on('error', ({ code, context }) => errors.push([code, context]));
    client.connect().catch(() => {});
    client.sendMessage('€');
    client.sendMessage('2');
    await client.close();
    equal(errors, [['UNSENT', { messages: 2, bytes: 4, code: 1006 }]], 'the errors');
  }),
];
