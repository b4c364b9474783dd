import type { IWebsocketClient, Message, WebsocketError } from '../../../src/entry/common.js';
import { equal } from '../assert.js';
import { next, until } from '../bench.js';
import { test } from '../case.js';

const cause = new Error('the application failed');

function failing(): never {
  throw cause;
}

function errorsOf(client: IWebsocketClient): WebsocketError[] {
  const errors: WebsocketError[] = [];
  client.on('error', (error) => errors.push(error));
  return errors;
}

export const handlerCases = [
  test('handlers: one that throws is reported as an error event, and the connection continues', async (bench) => {
    const seen: Message[] = [];
    const client = bench.client(bench.address('/echo'), {
      onMessage(message) {
        seen.push(message);
        if (message === 'bad') failing();
      },
    });
    const errors = errorsOf(client);
    await client.connect();
    for (const message of ['bad', 'good', 'bad', 'better']) client.sendMessage(message);
    await until(() => seen.length === 4);
    equal(seen, ['bad', 'good', 'bad', 'better'], 'what the handler saw');
    equal([errors.map(({ code }) => code), client.state], [['HANDLER_FAILED', 'HANDLER_FAILED'], 'open'], 'the errors and the state');
    equal([errors[0]?.context, errors[0]?.cause === cause], [{ handler: 'onMessage' }, true], 'the context and the cause');
  }),
  test('handlers: one that throws keeps no other from being called', async (bench) => {
    const client = await bench.connect('/echo');
    const errors = errorsOf(client);
    client.on('message', failing);
    client.sendMessage('hello');
    equal(await next(client, 'message'), ['hello'], 'what the second listener saw');
    equal(
      errors.map(({ context }) => context),
      [{ handler: 'message' }],
      'the errors',
    );
  }),
  test('handlers: of open, state and close may throw', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    const errors = errorsOf(client);
    for (const event of ['open', 'state', 'close'] as const) client.on(event, failing);
    await client.connect();
    await client.close();
    await until(() => errors.length === 6); // connecting, open, closing, closed; and the two others
    equal(client.state, 'closed', 'the state');
  }),
  test('handlers: the same function registered twice is called twice, and taken off once', async (bench) => {
    const client = await bench.connect('/echo');
    let calls = 0;
    const count = () => {
      calls += 1;
    };
    const off = client.on('message', count);
    client.on('message', count);
    client.sendMessage('1');
    await until(() => calls === 2);
    off();
    off();
    client.sendMessage('2');
    await next(client, 'message');
    equal(calls, 3, 'the calls');
  }),
  test('handlers: may close the connection, and see no message after it has closed', async (bench) => {
    const client = await bench.connect('/steps', {}, { reconnect: false });
    const seen: unknown[] = [];
    client.on('message', (message) => {
      seen.push(message);
      void client.close(4000, 'enough');
    });
    client.on('close', ({ code, reason }) => seen.push(code, reason));
    bench.tell(client, { text: 'only' });
    await until(() => seen.length === 3);
    equal(seen, ['only', 4000, 'enough'], 'what was seen');
  }),
  test('handlers: of open may send and close at once', async (bench) => {
    const client = bench.client(bench.address('/echo'));
    client.on('open', () => {
      client.sendMessage('hello');
      void client.close(3000, 'bye');
    });
    await client.connect();
    const [seen] = (await bench.log({ closed: 1 })).connections;
    equal([seen?.messages, seen?.closed], [['text hello'], { code: 3000, reason: 'bye' }], 'what the server saw');
  }),
];
