import type { CloseInfo, IWebsocketClient } from '../../../src/entry/common.js';
import { assert, equal, throwsAtOnce } from '../assert.js';
import { type Bench, counting, next, poll, until } from '../bench.js';
import { each, test } from '../case.js';
import type { Step } from '../steps.js';

const SENT_CODES: readonly (readonly [code: number, natively: number])[] = [
  [1000, 1000],
  [3000, 3000],
  [4001, 4001],
  [4999, 4999],
  [1001, 4001],
  [1009, 4009],
  [1011, 4011],
];
const RECEIVED_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4001, 4999];
/** Registered with IANA after RFC 6455: service restart and try again later; then bad gateway. */
const LATER_CODES = [1012, 1013];
const BAD_GATEWAY = [1014];
const LONGEST_REASON = `${'ü'.repeat(61)}!`; // 123 bytes

async function seenClose(bench: Bench): Promise<unknown> {
  return (await bench.log({ closed: 1 })).connections[0]?.closed;
}

/** The server reads nothing until `close()` has run at the client. Then it sends a message, and only after it answers the close. */
async function closeBeforeMessage(bench: Bench): Promise<[IWebsocketClient, Promise<CloseInfo>]> {
  const open: Step[][] = [[{ text: 'ready' }, { silence: true }]];
  const client = await bench.connect('/sink', { open }, { closeTimeoutMs: bench.limit(10_000) });
  await poll(client);
  const closed = client.close();
  // A tab passes the close to its worker, and this connection after it: once it is open, the worker has closed the other one.
  const other = `ws://127.0.0.1:${bench.server.port}/echo?key=${Math.random()}`;
  bench.track(await bench.gemsocket.connect(other, { type: 'insecure' }));
  await bench.command({ text: 'on the way' }, { silence: false });
  return [client, closed];
}

const toldWithReason = (code: number) => `close: ${code} of the server is told with its reason`;

async function isToldWithReason(bench: Bench, code: number): Promise<void> {
  const client = await bench.connect('/sink', { open: [[{ close: [code, 'go'] }]] }, { reconnect: false });
  equal(await poll(client), { closeCode: code, reason: 'go', wasClean: true }, 'the close record');
  equal(await client.close(), { code, reason: 'go', wasClean: true }, 'what close() resolves to');
  equal(client.state, 'closed', 'the state');
}

const toldAsOffence = (code: number) => `close: ${code} of the server is an offence to the WebSocket of this platform, and told as 1006`;

async function isToldAsOffence(bench: Bench, code: number): Promise<void> {
  const client = await bench.connect('/sink', { open: [[{ close: [code, 'go'] }]] }, { reconnect: false });
  equal(await poll(client), { closeCode: 1006, reason: '', wasClean: false }, 'the close record');
}

export const closeCases = [
  ...each(
    SENT_CODES,
    ([code]) => `close: ${code} reaches the server, or what stands for it`,
    async (bench, [code, natively]) => {
      const client = await bench.connect('/echo');
      const expected = bench.facts.sendsAllCodes ? code : natively;
      equal(await client.close(code, 'done'), { code: expected, reason: 'done', wasClean: true }, 'what close() resolves to');
      equal(await seenClose(bench), { code: expected, reason: 'done' }, 'what the server saw');
      equal(await poll(client), { closeCode: expected, reason: 'done', wasClean: true }, 'the close record');
    },
  ),
  ...each(RECEIVED_CODES, toldWithReason, isToldWithReason),
  ...each(LATER_CODES, toldWithReason, isToldWithReason, 'knowsLaterCodes'),
  ...each(BAD_GATEWAY, toldWithReason, isToldWithReason, 'knowsBadGateway'),
  ...each(LATER_CODES, toldAsOffence, isToldAsOffence, 'not knowsLaterCodes'),
  ...each(BAD_GATEWAY, toldAsOffence, isToldAsOffence, 'not knowsBadGateway'),
  test('close: without arguments is 1000, and no reason', async (bench) => {
    const client = await bench.connect('/echo');
    await client.close();
    equal(await seenClose(bench), { code: 1000, reason: '' }, 'what the server saw');
  }),
  test('close: an empty close frame is reported as 1005, clean', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ close: [] }]] }, { reconnect: false });
    equal(await poll(client), { closeCode: 1005, reason: '', wasClean: true }, 'the close record');
  }),
  ...each(
    ['end', 'reset'] as const,
    (how) => `close: a socket that ends by ${how === 'end' ? 'FIN' : 'RST'} is told as 1006, not clean`,
    async (bench, how) => {
      const client = await bench.connect('/sink', {}, { reconnect: false });
      await bench.command({ drop: how });
      const end = await poll(client);
      assert('closeCode' in end && end.closeCode === 1006 && !end.wasClean, '1006, not clean');
    },
  ),
  test('close: a reason of 123 bytes is sent and received', async (bench) => {
    const client = await bench.connect('/echo');
    equal((await client.close(4000, LONGEST_REASON)).reason, LONGEST_REASON, 'the reason, echoed');
    equal(await seenClose(bench), { code: 4000, reason: LONGEST_REASON }, 'what the server saw');
  }),
  ...each(
    [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, -1, 1000.5, Number.NaN],
    (code) => `close: ${code} is INVALID_CLOSE, at the call`,
    async (bench, code) => {
      const client = await bench.connect('/echo');
      equal(throwsAtOnce(() => client.close(code), 'INVALID_CLOSE').context.code, code, 'context.code');
      equal(client.state, 'open', 'the state');
    },
  ),
  test('close: a reason of 124 bytes is INVALID_CLOSE, at the call', async (bench) => {
    const client = await bench.connect('/echo');
    const { context } = throwsAtOnce(() => client.close(1000, `${LONGEST_REASON}!`), 'INVALID_CLOSE');
    equal(context, { size: 124, limit: 123 }, 'the context');
    equal(client.state, 'open', 'the state');
  }),
  test('close: twice is once, and the first code counts', async (bench) => {
    const client = await bench.connect('/echo');
    const both = [client.close(4001, 'first'), client.close(4002, 'second')];
    equal(client.state, 'closing', 'the state');
    const expected = { code: 4001, reason: 'first', wasClean: true };
    equal([...(await Promise.all(both)), await client.close(4003)], [expected, expected, expected], 'what close() resolves to');
    equal(await seenClose(bench), { code: 4001, reason: 'first' }, 'what the server saw');
  }),
  test('close: accepted messages are sent first', async (bench) => {
    const client = await bench.connect('/sink', {}, { closeTimeoutMs: bench.limit(10_000), outbox: { maxBytes: 16 * 1024 * 1024 } });
    const bytes = counting(65_536);
    for (let sent = 0; sent < 100; sent++) client.sendMessageBinary(bytes);
    await client.close();
    const [seen] = (await bench.log({ closed: 1 })).connections;
    equal([seen?.messages.length, seen?.closed?.code], [100, 1000], 'the messages and the code that the server saw');
    equal([client.bufferedBytes, client.stats.messagesSent], [0, 100], 'the client');
  }),
  test('close: sending is NOT_OPEN while closing and when closed', async (bench) => {
    const client = await bench.connect('/echo');
    const closed = client.close();
    equal(throwsAtOnce(() => client.sendMessage('late'), 'NOT_OPEN').context.state, 'closing', 'context.state');
    await closed;
    equal(throwsAtOnce(() => client.sendMessageBinary(counting(1)), 'NOT_OPEN').context.state, 'closed', 'context.state');
    equal([client.isConnectionOpen(), client.state], [false, 'closed'], 'the client');
  }),
  test('close: a peer that never answers is given closeTimeoutMs', async (bench) => {
    const client = await bench.connect('/sink', { open: [[{ text: 'ready' }, { silence: true }]] }, { closeTimeoutMs: 200 });
    await poll(client);
    const startedAt = Date.now();
    const info = await client.close();
    const tookMs = Date.now() - startedAt;
    assert(info.code === 1006 && !info.wasClean, '1006, not clean');
    assert(tookMs >= 190 && tookMs < bench.limit(3_000), `the time to be about 200 ms, not ${tookMs}`);
  }),
  test(
    'close: what arrives before the answer of the server is delivered',
    async (bench) => {
      const [client, closed] = await closeBeforeMessage(bench);
      equal(await poll(client), { message: 'on the way' }, 'the message');
      equal((await closed).wasClean, true, 'wasClean');
    },
    'readsWhileClosing',
  ),
  test(
    'close: what arrives before the answer of the server is dropped by the WebSocket of this platform',
    async (bench) => {
      const [client, closed] = await closeBeforeMessage(bench);
      const { code, wasClean } = await closed;
      equal([code, wasClean, client.stats.messagesReceived], [1000, true, 1], 'the end');
    },
    'not readsWhileClosing',
  ),
  test('close: leaving an `await using` block closes with 1000', async (bench) => {
    const client = await bench.connect('/echo');
    await client[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    equal(client.state, 'closed', 'the state');
    equal(await seenClose(bench), { code: 1000, reason: '' }, 'what the server saw');
  }),
  test(
    'close: invalid UTF-8 ends the connection, and that connection only',
    async (bench) => {
      const other = await bench.connect('/echo');
      const client = await bench.connect('/sink', {}, { reconnect: false });
      const errors: string[] = [];
      client.on('error', ({ code }) => errors.push(code));
      await bench.command({ raw: '8102c328' });
      const end = await poll(client);
      assert('closeCode' in end && !end.wasClean, 'an end that is not clean');
      if (bench.facts.tellsProtocolErrors) equal([end.closeCode, errors], [1007, ['PROTOCOL_ERROR']], 'the code and the errors');
      else assert([1006, 1007].includes(end.closeCode), `1006 or 1007, not ${end.closeCode}`);
      other.sendMessage('alive');
      equal(await poll(other), { message: 'alive' }, 'the other connection');
    },
    'checksUtf8',
  ),
  test(
    'close: invalid UTF-8 is read as U+FFFD by the WebSocket of this platform, and ends nothing',
    async (bench) => {
      const client = await bench.connect('/echo');
      await bench.command({ raw: '8102c328' });
      equal(await poll(client), { message: '\ufffd(' }, 'the message');
      client.sendMessage('alive');
      equal(await poll(client), { message: 'alive' }, 'the echo');
    },
    'not checksUtf8',
  ),
  test('close: while reconnecting ends the attempts', async (bench) => {
    const client = await bench.connect('/sink', {}, { reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } });
    const reconnecting = next(client, 'reconnecting');
    await bench.command({ drop: 'end' });
    await reconnecting;
    equal(client.state, 'reconnecting', 'the state');
    const info = await client.close();
    await until(() => client.state === 'closed');
    equal([info.code, info.wasClean, (await bench.log()).attempts], [1006, false, 1], 'the end');
  }),
];
