import type { IWebsocketClient, Received } from '../../../src/entry/common.js';
import { assert, equal } from '../assert.js';
import { AT_ONCE, after, type Bench, counting, next, nextMessage, poll, until } from '../bench.js';
import { each, test } from '../case.js';

const FLOOD = { bytes: 65_536, times: 1_024 } as const; // 64 MiB: far over what sockets of both sides hold
const INBOXES = [
  { name: 'maxMessages', inbox: { maxMessages: 10 } },
  { name: 'maxBytes', inbox: { maxBytes: 655_360 } },
] as const;

async function readAll(client: IWebsocketClient): Promise<Received[]> {
  const all: Received[] = [];
  for (;;) {
    const received = await poll(client);
    all.push(received);
    if ('closeCode' in received) return all;
  }
}

/** Ends the flood, and reads all of it up to the text that follows: how many messages that is. */
async function readFlood(bench: Bench, client: IWebsocketClient): Promise<number> {
  await bench.command({ endFlood: 'the end' });
  for (let read = 0; ; read++) {
    const message = await nextMessage(client);
    if (message === 'the end') return read;
    assert(message.length === FLOOD.bytes, 'a message of the flood');
  }
}

const pausing = [
  ...INBOXES.map(({ name, inbox }) =>
    test(
      `inbox: full by ${name} stops the sender, and nothing is lost`,
      async (bench) => {
        const client = await bench.connect('/sink', {}, { inbox });
        await bench.command({ flood: FLOOD });
        await bench.log({ flooded: 11 });
        const stalledAt = await stalled(bench, async () => (await bench.log()).connections[0]?.flooded ?? 0);
        assert(stalledAt < FLOOD.times, 'the server to be stopped');
        assert(client.stats.messagesReceived <= 24, `the inbox to be bounded, not ${client.stats.messagesReceived} messages`);
        const read = await readFlood(bench, client);
        assert(read > stalledAt, `the message that waited at the server to come, too: ${read} after ${stalledAt}`);
        equal(
          [client.state, (await bench.log()).connections[0]?.flooded],
          ['open', read],
          'the state, and the messages that the server sent',
        );
      },
      'hasPause',
    ),
  ),
  test(
    'inbox: a reader that stops for longer than liveness waits keeps its connection',
    async (bench) => {
      const liveness = { pingMs: bench.limit(20), timeoutMs: bench.limit(20) };
      const client = await bench.connect('/sink', {}, { liveness, inbox: { maxMessages: 1 } });
      let breaks = 0;
      client.on('reconnecting', () => {
        breaks += 1;
      });
      await bench.command({ flood: { bytes: 10, times: 5 } });
      await until(() => client.stats.messagesReceived > 0);
      await after(bench.limit(300));
      for (let index = 0; index < 5; index++) equal(await nextMessage(client), counting(10), 'the message');
      equal([breaks, client.state], [0, 'open'], 'the breaks and the state');
    },
    'hasPause',
  ),
  test(
    'inbox: full before a break stops the sender after it as well',
    async (bench) => {
      const open = [[{ flood: { bytes: 65_536, times: 2 } }], [{ flood: FLOOD }]];
      const client = await bench.connect('/sink', { open }, { inbox: { maxMessages: 2 }, reconnect: AT_ONCE });
      await until(() => client.stats.messagesReceived === 2);
      const reconnected = next(client, 'reconnected');
      await bench.command({ drop: 'reset' });
      await reconnected;
      const stalledAt = await stalled(bench, async () => (await bench.log({ connections: 2 })).connections[1]?.flooded ?? 0);
      assert(stalledAt < FLOOD.times, 'the server to be stopped');
      assert(client.stats.messagesReceived <= 16, `the inbox to be bounded, not ${client.stats.messagesReceived} messages`);
      const read = await readFlood(bench, client);
      equal(read, 2 + ((await bench.log()).connections[1]?.flooded ?? 0), 'the messages of both connections');
    },
    'hasPause',
  ),
  test(
    'inbox: full, close() still shakes hands; what came before can be read, and what comes then is not kept',
    async (bench) => {
      const client = await bench.connect('/sink', {}, { inbox: { maxMessages: 2 } });
      await bench.command({ flood: FLOOD });
      await bench.log({ flooded: 3 });
      equal((await client.close(4001, 'bye')).code, 4001, 'the close code');
      const all = await readAll(client);
      assert(all.length > 2, 'the messages that had come');
      equal((await bench.log({ closed: 1 })).connections[0]?.closed?.code, 4001, 'the code that the server saw');
    },
    'hasPause',
  ),
];

const closing = INBOXES.map(({ name, inbox }) =>
  test(
    `inbox: full by ${name} is INBOX_FULL and closes with 4408; what came before can be read`,
    async (bench) => {
      const client = await bench.connect('/sink', {}, { inbox, reconnect: AT_ONCE });
      const failed = next(client, 'error');
      await bench.command({ flood: FLOOD });
      const [{ code, context, message }] = await failed;
      equal(code, 'INBOX_FULL', 'the error');
      assert(
        Object.keys(inbox).every((bound) => context[bound] === Object.values(inbox)[0]),
        'the bound in the context',
      );
      assert(message.includes('inbox'), 'the message to say what to raise');
      const all = await readAll(client);
      equal(all.at(-1), { closeCode: 4408, reason: 'INBOX_FULL', wasClean: false }, 'the close record');
      assert(all.length - 1 >= 10 && all.length - 1 <= 11, `10 messages and at most the one too many, not ${all.length - 1}`);
      const log = await bench.log({ closed: 1 });
      equal([log.attempts, log.connections[0]?.closed], [1, { code: 4408, reason: 'INBOX_FULL' }], 'what the server saw');
    },
    'not hasPause',
  ),
);

/** The count, once it has not moved for a while. */
async function stalled(bench: Bench, count: () => Promise<number>): Promise<number> {
  for (let before = await count(); ; ) {
    await after(bench.limit(100));
    const now = await count();
    if (now === before) return now;
    before = now;
  }
}

export const inboxCases = [
  ...pausing,
  ...closing,
  test('inbox: a handler never fills it', async (bench) => {
    let bytes = 0;
    const onMessage = (message: string | Uint8Array) => {
      bytes += message.length;
    };
    const client = await bench.connect('/sink', {}, { inbox: { maxMessages: 2, maxBytes: 1 }, onMessage });
    await bench.command({ flood: { bytes: 1_000, times: 1_000 } });
    await until(() => bytes === 1_000_000);
    equal(client.state, 'open', 'the state');
  }),
  ...each(
    [1, 1_000, 70_000],
    (limit) => `inbox: a message of maxMessageBytes (${limit}) is taken, one byte more is MESSAGE_TOO_BIG and closes with 1009`,
    async (bench, limit) => {
      const client = await bench.connect('/sink', {}, { maxMessageBytes: limit, reconnect: false });
      const failed = next(client, 'error');
      await bench.command({ flood: { bytes: limit, times: 1 } });
      equal(await nextMessage(client), counting(limit), 'the message that fits');
      await bench.command({ flood: { bytes: limit + 1, times: 1 } });
      const [error] = await failed;
      equal([error.code, error.context.closeCode, error.context.limit], ['MESSAGE_TOO_BIG', 1009, limit], 'the error');
      const end = await poll(client);
      equal('closeCode' in end && [end.closeCode, end.wasClean], [1009, false], 'the close record');
      const [seen] = (await bench.log({ closed: 1 })).connections;
      equal(seen?.closed?.code, bench.facts.sendsAllCodes ? 1009 : 4009, 'the code that the server saw');
    },
  ),
  test('inbox: the size of a text is that of its UTF-8', async (bench) => {
    const client = await bench.connect('/sink', {}, { maxMessageBytes: 6, reconnect: false });
    const failed = next(client, 'error');
    await bench.command({ text: '€€' }, { text: '€€.' });
    equal(await nextMessage(client), '€€', 'the text that fits');
    equal((await failed)[0].code, 'MESSAGE_TOO_BIG', 'the error');
  }),
];
