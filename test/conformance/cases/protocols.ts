import { equal, fails, throwsAtOnce } from '../assert.js';
import { each, test } from '../case.js';

export const protocolCases = [
  test("protocols: are offered in order, and the server's choice is reported", async (bench) => {
    const client = await bench.connect('/echo', { choose: 'chat.2' }, { protocols: ['chat.1', 'chat.2'] });
    equal(client.protocol, 'chat.2', 'the protocol');
    equal((await bench.log()).connections[0]?.protocols.replace(/\s/g, ''), 'chat.1,chat.2', 'the offer');
  }),
  test('protocols: none offered is none in the handshake', async (bench) => {
    const client = await bench.connect('/echo');
    equal([client.protocol, (await bench.log()).connections[0]?.protocols], ['', ''], 'the protocol and the offer');
  }),
  test('protocols: a server that chooses none of those offered is CONNECT_FAILED', async (bench) => {
    await fails(() => bench.connect('/echo', {}, { protocols: ['chat.1'] }), 'CONNECT_FAILED');
  }),
  test('protocols: a server that selects one that was not offered is CONNECT_FAILED', async (bench) => {
    await fails(() => bench.connect('/echo', { choose: 'other' }, { protocols: ['chat.1'] }), 'CONNECT_FAILED');
  }),
  ...each(
    [['chat', 'chat'], ['two words'], [''], ['a,b'], ['grün']],
    (protocols) => `protocols: ${JSON.stringify(protocols)} is INVALID_OPTION, at the call`,
    ({ gemsocket }, protocols) => {
      throwsAtOnce(() => new gemsocket.WebsocketClient('127.0.0.1', { protocols }), 'INVALID_OPTION');
    },
  ),
];
