import type { CloseInfo, IWebsocketClient, Message, ReconnectAttempt, WebsocketError } from '../../../src/entry/common.js';
import { assert, equal, fails } from '../assert.js';
import { AT_ONCE, next, nextMessage, poll, record, until } from '../bench.js';
import { each, test } from '../case.js';
import type { Step } from '../steps.js';

const FINAL_CODES = [1000, 1002, 1003, 1007, 1008, 1010, 4400, 4408, 4499];
const PASSING_CODES = [1001, 1011, 1012, 1013, 3000, 4000, 4399, 4500];
const RESTART: Step = { close: [1012, 'restart'] };

function attemptsOf(client: IWebsocketClient): ReconnectAttempt[] {
  const attempts: ReconnectAttempt[] = [];
  client.on('reconnecting', (attempt) => attempts.push(attempt));
  return attempts;
}

function codeOf(attempt: ReconnectAttempt | undefined): string | undefined {
  return (attempt?.cause as { code: string } | undefined)?.code;
}

export const reconnectCases = [
  ...each(
    PASSING_CODES,
    (code) => `reconnect: after ${code}`,
    async (bench, code) => {
      const client = await bench.connect('/sink', { open: [[], [{ text: 'back' }]] }, { reconnect: AT_ONCE });
      await bench.command({ close: [code] });
      equal(await nextMessage(client), 'back', 'the first message of the second connection');
      equal(client.stats.reconnects, 1, 'stats.reconnects');
    },
  ),
  ...each(
    FINAL_CODES,
    (code) => `reconnect: not after ${code}, which cannot get better`,
    async (bench, code) => {
      const client = await bench.connect('/sink', { open: [[{ close: [code] }]] }, { reconnect: AT_ONCE });
      const end = await poll(client);
      equal('closeCode' in end && end.closeCode, code, 'the close code');
      equal([client.state, (await bench.log()).attempts], ['closed', 1], 'the state and the attempts');
    },
  ),
  test('reconnect: after a break, and tells it in order, before the first message', async (bench) => {
    const client = await bench.connect('/sink', { open: [[], [{ text: 'back' }]] }, { reconnect: AT_ONCE });
    const lines = record(client);
    client.on('message', (message) => lines.push(`message ${message}`));
    const [reconnecting, reconnected] = [next(client, 'reconnecting'), next(client, 'reconnected')];
    await bench.command({ drop: 'end' });
    const [{ attempt, delayMs, cause }] = await reconnecting;
    equal([attempt, delayMs <= 1, (cause as CloseInfo).code], [1, true, 1006], 'the attempt');
    const [{ reason, ...continuity }] = await reconnected;
    equal(continuity, { resumed: false, replayed: 0, lost: undefined }, 'the continuity in plain mode');
    assert(reason.length > 0, 'a reason');
    await until(() => lines.length === 5);
    equal(lines, ['state reconnecting', 'reconnecting 1', 'state open', 'reconnected', 'message back'], 'the events');
  }),
  test('reconnect: false is one connection and no more', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ close: [1011, 'restart'] }]] }, { reconnect: false });
    equal(await poll(client), { closeCode: 1011, reason: 'restart', wasClean: true }, 'the close record');
    equal((await bench.log()).attempts, 1, 'the attempts');
  }),
  test('reconnect: unread messages of before the break come before those of after', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ text: 'before' }, RESTART], [{ text: 'after' }]] }, { reconnect: AT_ONCE });
    await bench.log({ connections: 2 });
    equal([await nextMessage(client), await nextMessage(client)], ['before', 'after'], 'the messages');
    equal(client.getMessage(), undefined, 'a close record of a break that was mended');
  }),
  test('reconnect: messages sent meanwhile wait, and arrive in order', async (bench) => {
    const client = await bench.connect('/echo', { refuse: '2-4' }, { reconnect: AT_ONCE });
    await bench.command({ drop: 'end' });
    await next(client, 'reconnecting');
    for (let index = 0; index < 100; index++) client.sendMessage(`${index}`);
    assert(client.bufferedBytes === 190, 'the bytes to wait');
    for (let index = 0; index < 100; index++) equal(await nextMessage(client), `${index}`, 'the echo');
    await until(() => client.bufferedBytes === 0); // a session sends a few bytes of its own
    equal((await bench.log()).attempts, 5, 'the attempts');
  }),
  test('reconnect: messages of a listener follow the queued ones', async (bench) => {
    const client = await bench.connect('/echo', {}, { reconnect: AT_ONCE });
    client.on('reconnected', () => client.sendMessage('greeting'));
    client.on('reconnecting', () => client.sendMessage('waiting'));
    await bench.command({ drop: 'end' });
    equal([await nextMessage(client), await nextMessage(client)], ['waiting', 'greeting'], 'the echoes');
  }),
  test('reconnect: the address is asked again before every attempt', async (bench) => {
    let asked = 0;
    const address = () => {
      asked += 1;
      return bench.address('/sink', { token: `fresh${asked}`, open: [[RESTART], [RESTART], [{ text: 'back' }]] });
    };
    const client = bench.client(address, { reconnect: AT_ONCE });
    await client.connect();
    equal(await nextMessage(client), 'back', 'the message');
    const urls = (await bench.log()).connections.map(({ url }) => /token=(\w+)/.exec(url)?.[1]);
    equal(urls, ['fresh1', 'fresh2', 'fresh3'], 'the tokens that the server saw');
  }),
  test('reconnect: an address that fails once is asked again', async (bench) => {
    let asked = 0;
    const client = bench.client(
      () => {
        asked += 1;
        if (asked === 2) throw new Error('no token yet');
        return bench.address('/sink', { open: [[RESTART], [{ text: 'back' }]] });
      },
      { reconnect: AT_ONCE },
    );
    const attempts = attemptsOf(client);
    await client.connect();
    equal(await nextMessage(client), 'back', 'the message');
    equal(codeOf(attempts[1]), 'CONNECT_FAILED', 'the cause of the second attempt');
  }),
  test('reconnect: delays stay under a ceiling that doubles, and attempts are counted', async (bench) => {
    const reconnect = { minDelayMs: 4, maxDelayMs: 16 };
    const client = await bench.connect('/echo', { refuse: '2-7' }, { reconnect });
    const attempts = attemptsOf(client);
    await bench.command({ drop: 'end' });
    await next(client, 'reconnected');
    equal(
      attempts.map(({ attempt }) => attempt),
      [1, 2, 3, 4, 5, 6, 7],
      'the attempts',
    );
    for (const { attempt, delayMs } of attempts)
      assert(delayMs >= 0 && delayMs <= Math.min(16, 4 * 2 ** (attempt - 1)), `a delay in bounds, not ${delayMs}`);
  }),
  test('reconnect: ends after maxAttempts, with the last failure and the messages that could not be sent', async (bench) => {
    const client = await bench.connect('/echo', { refuse: '2-' }, { reconnect: { ...AT_ONCE, maxAttempts: 3 } });
    const lines = record(client);
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    client.on('reconnecting', ({ attempt }) => attempt === 1 && client.sendMessage('never'));
    await bench.command({ drop: 'end' });
    const end = await poll(client);
    equal('closeCode' in end && end.closeCode, 1006, 'the close code');
    equal(errors[1]?.context, { messages: 1, bytes: 5, code: 1006 }, 'the context of UNSENT');
    equal(lines.filter((line) => line.startsWith('reconnecting')).length, 3, 'the attempts');
    equal(lines.slice(-4), ['state closed', 'error CONNECT_FAILED', 'error UNSENT', 'close 1006'], 'the last events');
    equal((await bench.log()).attempts, 4, 'the attempts that the server saw');
  }),
  test('reconnect: a handshake that hangs is given up, and tried again', async (bench) => {
    let asked = 0;
    const address = () => {
      asked += 1;
      return bench.address(asked === 2 ? '/silent' : '/echo');
    };
    const client = bench.client(address, { reconnect: AT_ONCE, connectTimeoutMs: bench.limit(300) });
    const attempts = attemptsOf(client);
    await client.connect();
    const reconnected = next(client, 'reconnected');
    await bench.command(RESTART);
    await reconnected; // by the third attempt, or a later one where a machine is late
    equal(codeOf(attempts[1]), 'CONNECT_TIMEOUT', 'the cause of the second attempt');
    client.sendMessage('back');
    equal(await nextMessage(client), 'back', 'the echo');
  }),
  test('reconnect: a signal ends the attempts', async (bench) => {
    const controller = new AbortController();
    const { signal } = controller;
    const client = await bench.connect('/sink', { refuse: '2-' }, { signal, reconnect: AT_ONCE });
    client.on('reconnecting', ({ attempt }) => attempt === 3 && controller.abort());
    await bench.command({ drop: 'end' });
    const [info] = await next(client, 'close');
    equal([info.code, client.state, (await bench.log()).attempts], [1006, 'closed', 3], 'the end');
  }),
  test('reconnect: the subprotocol is chosen anew', async (bench) => {
    const client = await bench.connect('/sink', { choose: 'chat' }, { protocols: ['chat'], reconnect: AT_ONCE });
    const reconnected = next(client, 'reconnected');
    await bench.command({ drop: 'end' });
    await reconnected;
    equal([client.protocol, (await bench.log()).connections[1]?.protocols], ['chat', 'chat'], 'the protocol and the offer');
  }),
  test('reconnect: one loop reads across breaks', async (bench) => {
    const open: Step[][] = [[{ text: '1' }, RESTART], [{ text: '2' }], [{ text: '4' }, { close: [1000] }]];
    const client = await bench.connect('/sink', { open }, { reconnect: AT_ONCE });
    const seen: Message[] = [];
    for await (const message of client) {
      seen.push(message);
      if (message === '2') await bench.command({ text: '3' }, { drop: 'end' });
    }
    equal(seen, ['1', '2', '3', '4'], 'the messages');
  }),
  test('reconnect: connect() of a class is done with its first attempt', async (bench) => {
    const client = bench.client(bench.address('/echo', { refuse: '1-' }), { reconnect: AT_ONCE });
    await fails(() => client.connect(), 'CONNECT_FAILED');
    equal((await bench.log()).attempts, 1, 'the attempts');
  }),
];
