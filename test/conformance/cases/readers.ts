import type { IWebsocketClient, Message } from '../../../src/entry/common.js';
import { assert, equal } from '../assert.js';
import { type Bench, next, nextMessage, poll, until } from '../bench.js';
import { each, test } from '../case.js';
import type { Step } from '../steps.js';

/** Five messages and the end, in one packet. */
const PACKET: readonly Step[] = [
  { text: 'one' },
  { hex: '00ff' },
  { text: '' },
  { fragments: ['fo', 'ur'] },
  { text: 'last' },
  { close: [4001, 'bye'] },
];
const MESSAGES: readonly Message[] = ['one', Uint8Array.of(0, 255), '', 'four', 'last'];
const END = { closeCode: 4001, reason: 'bye', wasClean: true };

interface Read {
  readonly messages: Message[];
  readonly end: unknown;
}

interface Reader {
  readonly name: string;
  read(client: IWebsocketClient, bench: Bench): Promise<Read>;
}

const READERS: readonly Reader[] = [
  {
    name: 'a handler',
    async read(client) {
      const messages: Message[] = [];
      const isOver = client.state === 'closed';
      const end = isOver ? undefined : next(client, 'close');
      client.on('message', (message) => messages.push(message));
      if (end === undefined) {
        await until(() => messages.length === MESSAGES.length);
        return { messages, end: END }; // the close event was told before anybody read
      }
      const [{ code, ...rest }] = await end;
      return { messages, end: { closeCode: code, ...rest } };
    },
  },
  {
    name: 'getMessage()',
    async read(client) {
      const messages: Message[] = [];
      for (;;) {
        const received = await poll(client);
        if (!('message' in received)) return { messages, end: received };
        messages.push(received.message);
      }
    },
  },
  {
    name: 'for await',
    async read(client) {
      const messages: Message[] = [];
      for await (const message of client) messages.push(message);
      const { code, ...rest } = await client.close();
      return { messages, end: { closeCode: code, ...rest } };
    },
  },
  {
    name: 'streams()',
    async read(client, { gemsocket }) {
      const messages: Message[] = [];
      const reader = gemsocket.streams(client).readable.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        messages.push(value);
      }
      const { code, ...rest } = await client.close();
      return { messages, end: { closeCode: code, ...rest } };
    },
  },
];

export const readerCases = [
  ...each(
    READERS,
    ({ name }) => `readers: ${name} sees the last message and then the end, of one packet`,
    async (bench, { read }) => {
      const client = await bench.connect('/steps', {}, { reconnect: false });
      bench.tell(client, ...PACKET);
      equal(await read(client, bench), { messages: MESSAGES, end: END }, 'what was read');
    },
  ),
  ...each(
    READERS,
    ({ name }) => `readers: ${name} sees all that came before it looked`,
    async (bench, { read }) => {
      const client = await bench.connect('/steps', {}, { reconnect: false });
      bench.tell(client, ...PACKET);
      await next(client, 'close');
      equal(await read(client, bench), { messages: MESSAGES, end: END }, 'what was read');
    },
  ),
  test('readers: options.onMessage sees every message, with its client, before the end', async (bench) => {
    const seen: unknown[] = [];
    const client = bench.client(bench.address('/sink', { open: [PACKET] }), {
      reconnect: false,
      onMessage: (message, from) => seen.push(from === client ? message : 'another client'),
    });
    client.on('close', () => seen.push('close'));
    void client.connect();
    await until(() => seen.includes('close'));
    equal(seen, [...MESSAGES, 'close'], 'what was seen');
  }),
  test('readers: a poll finds nothing where nothing is, and the end once', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    equal(client.getMessage(), undefined, 'the first poll');
    bench.tell(client, { close: [4001, 'bye'] });
    equal(await poll(client), END, 'the end');
    for (let polls = 0; polls < 3; polls++) equal(client.getMessage(), undefined, 'a poll after the end');
  }),
  test('readers: they draw from one queue, each message once', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    bench.tell(client, { text: '1' }, { text: '2' }, { text: '3' }, { text: '4' });
    const loop = client[Symbol.asyncIterator]();
    const reader = bench.gemsocket.streams(client).readable.getReader();
    equal((await loop.next()).value, '1', 'by iteration');
    equal(await nextMessage(client), '2', 'by a poll');
    equal((await reader.read()).value, '3', 'by a stream');
    const handled: Message[] = [];
    client.on('message', (message) => handled.push(message));
    await until(() => handled.length > 0);
    equal([handled, client.getMessage(), client.stats.messagesReceived], [['4'], undefined, 4], 'by a handler, and what is left');
  }),
  test('readers: a handler taken off leaves the next messages to others', async (bench) => {
    const client = await bench.connect('/steps');
    const handled: Message[] = [];
    const off = client.on('message', (message) => handled.push(message));
    bench.tell(client, { text: 'handled' });
    await until(() => handled.length === 1);
    equal(client.getMessage(), undefined, 'a poll beside a handler');
    off();
    bench.tell(client, { text: 'polled' });
    equal([await nextMessage(client), handled], ['polled', ['handled']], 'who got what');
  }),
  test('readers: leaving a loop leaves the connection open and the rest unread', async (bench) => {
    const client = await bench.connect('/steps');
    bench.tell(client, { text: '1' }, { text: '2' });
    for await (const message of client) {
      equal(message, '1', 'the first message');
      break;
    }
    equal([await nextMessage(client), client.state], ['2', 'open'], 'the rest');
  }),
  test('readers: two loops share the messages and both end', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    const seen: Message[] = [];
    const loop = async () => {
      for await (const message of client) seen.push(message);
    };
    const both = Promise.all([loop(), loop()]);
    bench.tell(client, { text: '1' }, { text: '2' }, { text: '3' }, { close: [1000] });
    await both;
    equal(seen, ['1', '2', '3'], 'what both saw');
  }),
  test('readers: the close event comes once and last of all events', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    const events: string[] = [];
    client.on('message', (message) => events.push(`message ${message}`));
    client.on('state', (now) => events.push(now));
    client.on('close', () => events.push('close'));
    bench.tell(client, { text: 'last' }, { close: [4001] });
    await client.close();
    await until(() => events.includes('close'));
    await client.close();
    equal(events.at(-1), 'close', 'the last event');
    equal(events.filter((event) => event === 'close').length, 1, 'the count of close events');
  }),
  test('readers: a broken connection ends a stream with CONNECTION_LOST', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    const reader = bench.gemsocket.streams(client).readable.getReader();
    bench.tell(client, { text: 'last' }, { drop: 'end' });
    equal((await reader.read()).value, 'last', 'the last message');
    const end = await reader.read().catch((error: { code: string; context: { code: number } }) => error);
    assert('code' in end && end.code === 'CONNECTION_LOST' && end.context.code === 1006, 'CONNECTION_LOST');
  }),
];
