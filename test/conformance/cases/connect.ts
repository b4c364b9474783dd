import { assert, equal, fails, throwsAtOnce } from '../assert.js';
import { after, next, nextMessage, poll, record, until } from '../bench.js';
import { each, test } from '../case.js';

const REFUSALS: readonly { readonly path: string; readonly status: number }[] = [
  { path: '/status/200', status: 200 },
  { path: '/status/401', status: 401 },
  { path: '/status/403', status: 403 },
  { path: '/status/503', status: 503 },
];

const never = () => new Promise<string>(() => {});

export const connectCases = [
  test('connect: resolves when the connection is open', async (bench) => {
    const client = await bench.connect('/echo');
    equal([client.state, client.isConnectionOpen(), client.protocol], ['open', true, ''], 'the client');
    await until(() => client.bufferedBytes === 0); // a session sends a few bytes of its own
    assert(client instanceof Object && client.id.length >= 16, 'an id');
  }),
  test('connect: a class is idle until connect(), and a second call changes nothing', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    equal([client.state, client.isConnectionOpen()], ['idle', false], 'the client before');
    const both = [client.connect(), client.connect()];
    equal(client.state, 'connecting', 'the state');
    await Promise.all(both);
    equal((await bench.log()).attempts, 1, 'the attempts');
  }),
  test('connect: tells its states and the opening in order', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    const lines = record(client);
    await client.connect();
    await client.close();
    equal(lines, ['state connecting', 'state open', 'open', 'state closing', 'state closed', 'close 1000'], 'the events');
  }),
  test('connect: CONNECT_FAILED where nobody listens', async (bench) => {
    const address = `ws://127.0.0.1:${bench.server.closedPort}/path?token=secret`;
    const error = await fails(() => bench.gemsocket.connect(address, { type: 'insecure' }), 'CONNECT_FAILED');
    equal(error.context.systemCode, bench.facts.tellsWhy ? 'ECONNREFUSED' : undefined, 'context.systemCode');
    assert(String(error.context.address).startsWith(`ws://127.0.0.1:${bench.server.closedPort}/path`), 'the address in the context');
    assert(!JSON.stringify([error.message, error.context]).includes('secret'), 'no secret in the error');
  }),
  test('connect: CONNECT_FAILED where the name does not resolve', async (bench) => {
    const error = await fails(() => bench.gemsocket.connect('ws://gemsocket.invalid/', { type: 'insecure' }), 'CONNECT_FAILED');
    if (bench.facts.tellsWhy)
      assert(['ENOTFOUND', 'EAI_AGAIN'].includes(String(error.context.systemCode)), 'a system code of name resolution');
  }),
  ...each(
    REFUSALS,
    ({ path }) => `connect: CONNECT_FAILED when ${path} is answered instead of 101`,
    async (bench, { path, status }) => {
      const error = await fails(() => bench.connect(path), 'CONNECT_FAILED');
      equal(error.context.status, bench.facts.tellsWhy ? status : undefined, 'context.status');
      equal((await bench.log()).attempts, status === 401 && !bench.facts.dialsOnce ? 2 : 1, 'the handshakes');
    },
  ),
  test(
    'connect: CONNECT_FAILED when /redirect is answered instead of 101',
    async (bench) => {
      const error = await fails(() => bench.connect('/redirect'), 'CONNECT_FAILED');
      equal(error.context.status, bench.facts.tellsWhy ? 302 : undefined, 'context.status');
      equal((await bench.log()).attempts, 1, 'the attempts');
    },
    'not followsRedirects',
  ),
  test(
    'connect: /redirect is followed by the WebSocket of this platform, and nobody is told',
    async (bench) => {
      const client = await bench.connect('/redirect');
      client.sendMessage('elsewhere');
      equal(await nextMessage(client), 'elsewhere', 'the echo of where it leads');
    },
    'followsRedirects',
  ),
  ...each(
    ['/garbage', '/hangup'],
    (path) => `connect: CONNECT_FAILED at ${path}`,
    async (bench, path) => {
      await fails(() => bench.connect(path), 'CONNECT_FAILED');
    },
  ),
  test('connect: CONNECT_FAILED when the certificate is not trusted', async (bench) => {
    const error = await fails(() => bench.gemsocket.connect(`127.0.0.1:${bench.server.securePort}/echo`), 'CONNECT_FAILED');
    equal(error.context.systemCode, bench.facts.tellsWhy ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : undefined, 'context.systemCode');
  }),
  test('connect: CONNECT_TIMEOUT when the server accepts and says nothing', async (bench) => {
    const startedAt = Date.now();
    const error = await fails(() => bench.connect('/silent', {}, { connectTimeoutMs: 200 }), 'CONNECT_TIMEOUT');
    const tookMs = Date.now() - startedAt;
    assert(tookMs >= 190 && tookMs < bench.limit(3_000), `the time to be about 200 ms, not ${tookMs}`);
    equal(error.context.timeoutMs, 200, 'context.timeoutMs');
  }),
  test('connect: CONNECT_TIMEOUT counts the address function in', async ({ gemsocket }) => {
    await fails(() => gemsocket.connect(never, { connectTimeoutMs: 50 }), 'CONNECT_TIMEOUT');
  }),
  test('connect: a first attempt that failed closes the client, and every later connect() rejects', async (bench) => {
    const client = bench.client(bench.address('/status/503'));
    const lines = record(client);
    await fails(() => client.connect(), 'CONNECT_FAILED');
    await fails(() => client.connect(), 'CONNECT_FAILED');
    equal(lines, ['state connecting', 'state closed', 'error CONNECT_FAILED', 'close 1006'], 'the events');
    const end = await poll(client);
    assert('closeCode' in end && end.closeCode === 1006 && !end.wasClean, 'the close record');
    equal((await client.close()).code, 1006, 'what close() resolves to');
    throwsAtOnce(() => client.sendMessage('late'), 'NOT_OPEN');
  }),
  test('connect: a signal that is aborted already is ABORTED, and nothing is dialled', async (bench) => {
    const signal = AbortSignal.abort('changed my mind');
    const error = await fails(() => bench.connect('/echo', {}, { signal }), 'ABORTED');
    equal(error.cause, 'changed my mind', 'the cause');
    equal((await bench.log()).attempts, 0, 'the attempts');
  }),
  test('connect: a signal aborts a handshake, and an address function', async (bench) => {
    const handshake = new AbortController();
    const connecting = bench.connect('/silent', {}, { signal: handshake.signal });
    await bench.log({ attempts: 1 });
    handshake.abort();
    await fails(() => connecting, 'ABORTED');
    const asking = new AbortController();
    const client = bench.client(never, { signal: asking.signal });
    const asked = client.connect();
    asking.abort();
    await fails(() => asked, 'ABORTED');
    equal(client.state, 'closed', 'the state');
  }),
  test('connect: a signal closes an open connection with 1000', async (bench) => {
    const controller = new AbortController();
    const client = await bench.connect('/echo', {}, { signal: controller.signal });
    const closed = next(client, 'close');
    controller.abort();
    equal(await closed, [{ code: 1000, reason: 'aborted', wasClean: true }], 'the close event');
    equal((await bench.log({ closed: 1 })).connections[0]?.closed, { code: 1000, reason: 'aborted' }, 'what the server saw');
  }),
  test('connect: close() while connecting ends the attempt', async (bench) => {
    const client = bench.client(bench.address('/silent'));
    const connecting = client.connect();
    const closing = client.close();
    await fails(() => connecting, 'NOT_OPEN');
    equal([(await closing).code, client.state], [1006, 'closed'], 'the end');
  }),
  test('connect: close() before connect() closes for good', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    equal((await client.close()).wasClean, false, 'wasClean');
    await fails(() => client.connect(), 'NOT_OPEN');
    await after(20);
    equal((await bench.log()).attempts, 0, 'the attempts');
  }),
];
