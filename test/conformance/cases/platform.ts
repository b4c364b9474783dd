import { assert, equal, fails, throwsAtOnce } from '../assert.js';
import { nextMessage } from '../bench.js';
import { test } from '../case.js';

const NAMES = ['SecureWebsocketClient', 'WebsocketClient', 'WebsocketError', 'WebsocketRequestBus', 'closeOnSignals', 'connect', 'streams'];

export const platformCases = [
  test('platform: exports the same names', ({ gemsocket }) => {
    const functions = Object.entries(gemsocket).filter(([, value]) => typeof value === 'function');
    const names = functions.map(([name]) => name);
    for (const name of NAMES) assert(names.includes(name), `an export ${name}`);
  }),
  test(
    'platform: options.node is UNSUPPORTED, at the call',
    async ({ gemsocket }) => {
      const options = { node: { headers: { authorization: 'secret' } } };
      const error = throwsAtOnce(() => new gemsocket.WebsocketClient('127.0.0.1', options), 'UNSUPPORTED');
      assert(!JSON.stringify([error.message, error.context]).includes('secret'), 'no credentials in the error');
      throwsAtOnce(() => new gemsocket.WebsocketRequestBus().createClient('127.0.0.1', undefined, 'insecure', options), 'UNSUPPORTED');
      await fails(() => gemsocket.connect('127.0.0.1', options), 'UNSUPPORTED');
    },
    'not isNode',
  ),
  test(
    'platform: closeOnSignals is UNSUPPORTED',
    ({ gemsocket }) => {
      throwsAtOnce(() => gemsocket.closeOnSignals(), 'UNSUPPORTED');
    },
    'not isNode',
  ),
  test(
    'platform: options.node.headers reach the server, at every attempt',
    async (bench) => {
      const client = await bench.connect(
        '/sink',
        { open: [[{ close: [1012] }], [{ text: 'back' }]] },
        {
          node: { headers: { authorization: 'Bearer token' } },
          reconnect: { minDelayMs: 1, maxDelayMs: 1 },
        },
      );
      equal(await nextMessage(client), 'back', 'the message');
      const { connections } = await bench.log();
      equal(
        connections.map(({ headers }) => headers.authorization),
        ['Bearer token', 'Bearer token'],
        'the headers',
      );
    },
    'isNode',
  ),
  test(
    'platform: options.node.ca lets a secure connection trust a certificate',
    async (bench) => {
      const { gemsocket, server } = bench;
      const node = { ca: server.certificate };
      const client = new gemsocket.SecureWebsocketClient(`127.0.0.1:${server.securePort}/echo`, { node });
      bench.track(client);
      await client.connect();
      client.sendMessage('in private');
      equal(await nextMessage(client), 'in private', 'the echo');
    },
    'isNode',
  ),
];
