import { assert, equal, fails, throwsAtOnce } from '../assert.js';
import { nextMessage } from '../bench.js';
import { each, test } from '../case.js';

const INVALID = [
  '',
  '   ',
  'http://127.0.0.1/',
  'ftp://127.0.0.1/',
  'ws://ada:secret@127.0.0.1/',
  'ada:secret@127.0.0.1',
  'ws://127.0.0.1/#fragment',
  'ws://127.0.0.1/#',
  '127.0.0.1:0',
  '127.0.0.1:70000',
  'ws://',
  'two words',
  '::1',
];

const VALID = ['example', 'example:8080', 'example:8080/path?query', '[::1]:8080', 'ws://example', 'WSS://example/path', 'wss://[::1]/'];

export const addressCases = [
  ...each(
    INVALID,
    (address) => `address: '${address}' is INVALID_ADDRESS, at the call`,
    async ({ gemsocket }, address) => {
      const error = throwsAtOnce(() => new gemsocket.WebsocketClient(address), 'INVALID_ADDRESS');
      assert(error instanceof gemsocket.WebsocketError && error instanceof Error, 'a WebsocketError');
      assert(!JSON.stringify([error.message, error.context]).includes('secret'), 'no credentials in the error');
      throwsAtOnce(() => new gemsocket.SecureWebsocketClient(address), 'INVALID_ADDRESS');
      throwsAtOnce(() => new gemsocket.WebsocketRequestBus().createClient(address), 'INVALID_ADDRESS');
      await fails(() => gemsocket.connect(address), 'INVALID_ADDRESS');
    },
  ),
  ...each(
    VALID,
    (address) => `address: '${address}' is taken`,
    ({ gemsocket }, address) => {
      equal(new gemsocket.WebsocketClient(address).state, 'idle', 'the state');
    },
  ),
  test('address: ws:// with the secure type is INSECURE_ADDRESS, with advice', async (bench) => {
    const { gemsocket } = bench;
    const address = bench.address('/echo');
    const error = throwsAtOnce(() => new gemsocket.SecureWebsocketClient(address), 'INSECURE_ADDRESS');
    const isShort = error.message.includes('docs/errors.md#insecure_address'); // the default build for browsers
    assert(isShort || (error.message.includes('wss://') && error.message.includes("'insecure'")), 'the message to name both ways out');
    throwsAtOnce(() => new gemsocket.WebsocketRequestBus().createClient(address), 'INSECURE_ADDRESS');
    await fails(() => gemsocket.connect(address), 'INSECURE_ADDRESS');
    equal((await bench.log()).attempts, 0, 'the attempts at the server');
  }),
  test('address: a host without a scheme is dialled as ws with the insecure type', async (bench) => {
    const client = bench.track(await bench.gemsocket.connect(bench.hostAndPath('/echo'), { type: 'insecure' }));
    client.sendMessage('hello');
    equal(await nextMessage(client), 'hello', 'the echo');
  }),
  test('address: a host without a scheme is dialled as wss with the secure type', async (bench) => {
    await fails(() => bench.gemsocket.connect(bench.hostAndPath('/echo')), 'CONNECT_FAILED'); // no TLS there
    equal((await bench.log()).attempts, 0, 'the handshakes in the clear');
  }),
  test('address: a URL is taken', async (bench) => {
    const client = bench.client(new URL(bench.address('/echo')));
    await client.connect();
    equal(client.state, 'open', 'the state');
  }),
  test('address: a function is asked for it, and may take its time', async (bench) => {
    for (const address of [() => bench.address('/echo'), async () => new URL(bench.address('/echo'))]) {
      const client = bench.client(address);
      await client.connect();
      equal(client.state, 'open', 'the state');
    }
  }),
  test('address: the result of a function is checked as well', async ({ gemsocket }) => {
    await fails(() => gemsocket.connect(() => 'ws://127.0.0.1'), 'INSECURE_ADDRESS');
    await fails(() => gemsocket.connect(async () => 'http://127.0.0.1'), 'INVALID_ADDRESS');
  }),
  test('address: a function that throws is CONNECT_FAILED, with its error as the cause', async ({ gemsocket }) => {
    const cause = new Error('no token today');
    const throwing = () => {
      throw cause;
    };
    equal((await fails(() => gemsocket.connect(throwing), 'CONNECT_FAILED')).cause === cause, true, 'the cause kept');
    equal((await fails(() => gemsocket.connect(() => Promise.reject(cause)), 'CONNECT_FAILED')).cause === cause, true, 'the cause kept');
  }),
];
