import type { IWebsocketClient, Message } from '../../../src/entry/common.js';
import { assert, equal, throwsAtOnce } from '../assert.js';
import { AT_ONCE, type Bench, next, nextMessage, poll, until } from '../bench.js';
import { test } from '../case.js';

type Bus = InstanceType<Bench['gemsocket']['WebsocketRequestBus']>;

/** A bus whose clients are closed at the end of the case. */
function busOf(bench: Bench): Bus & { create: Bus['createClient'] } {
  const bus = new bench.gemsocket.WebsocketRequestBus();
  const create: Bus['createClient'] = (address, onMessage, type = 'insecure', options = {}) =>
    bench.track(bus.createClient(address, onMessage, type, options));
  return Object.assign(bus, { create });
}

async function opened(client: IWebsocketClient): Promise<IWebsocketClient> {
  if (!client.isConnectionOpen()) await next(client, 'open');
  return client;
}

export const busCases = [
  test('bus: the five calls, by client and by id', async (bench) => {
    const bus = busOf(bench);
    const client = bus.create(bench.address('/echo'));
    equal([client.state, bus.isConnectionOpen(client)], ['connecting', false], 'the client at first');
    await opened(client);
    equal([bus.isConnectionOpen(client), bus.isConnectionOpen(client.id)], [true, true], 'isConnectionOpen');
    equal([bus.sendWebsocketMessage(client, 'a'), bus.sendWebsocketMessage(client.id, 'b')], [true, true], 'sendWebsocketMessage');
    bus.sendWebsocketMessageBinary(client, Uint8Array.of(1));
    bus.sendWebsocketMessageBinary(client.id, Uint8Array.of(2).buffer);
    const byId = { getMessage: () => bus.getMessage(client.id) };
    const echoes = [await nextMessage(byId), await nextMessage(byId), await nextMessage(byId), await nextMessage(byId)];
    equal(echoes, ['a', 'b', Uint8Array.of(1), Uint8Array.of(2)], 'the echoes');
    equal(await bus.closeWebsocket(client.id, 4001, 'bye'), { code: 4001, reason: 'bye', wasClean: true }, 'closeWebsocket');
    equal(bus.isConnectionOpen(client.id), false, 'isConnectionOpen after');
    equal((await bench.log({ closed: 1 })).connections[0]?.closed, { code: 4001, reason: 'bye' }, 'what the server saw');
  }),
  test('bus: is secure unless said otherwise', async (bench) => {
    const bus = busOf(bench);
    throwsAtOnce(() => bus.createClient(bench.address('/echo')), 'INSECURE_ADDRESS');
    equal(bus.clients.size, 0, 'the clients');
    const client = bench.track(bus.createClient(bench.hostAndPath('/echo'), undefined, undefined, { reconnect: false }));
    const [error] = await next(client, 'error'); // there is no TLS at that port
    equal([error.code, (await bench.log()).attempts], ['CONNECT_FAILED', 0], 'the error, and the handshakes in the clear');
  }),
  test('bus: OnMessage gets every message with its client', async (bench) => {
    const bus = busOf(bench);
    const seen: [Message, IWebsocketClient][] = [];
    const client = bus.create(bench.address('/echo'), (message, from) => seen.push([message, from]));
    bus.sendWebsocketMessage(client, 'sent while connecting');
    await until(() => seen.length === 1);
    equal([seen[0]?.[0], seen[0]?.[1] === client, client.getMessage()], ['sent while connecting', true, undefined], 'what was seen');
  }),
  test('bus: a client whose first attempts fail tries on, and says so', async (bench) => {
    const bus = busOf(bench);
    const events: string[] = [];
    bus.on('reconnecting', (_client, { attempt, cause }) => events.push(`${attempt} ${(cause as { code: string }).code}`));
    bus.on('open', () => events.push('open'));
    bus.on('reconnected', () => events.push('reconnected'));
    const client = bus.create(bench.address('/echo', { refuse: '1-2' }), undefined, 'insecure', { reconnect: AT_ONCE });
    bus.sendWebsocketMessage(client, 'patience');
    equal(await nextMessage(client), 'patience', 'the echo');
    equal(events, ['1 CONNECT_FAILED', '2 CONNECT_FAILED', 'open'], 'the events');
  }),
  test('bus: with reconnect false the first failure is the end, reported by error and close', async (bench) => {
    const bus = busOf(bench);
    const events: string[] = [];
    bus.on('error', (_client, { code }) => events.push(code));
    bus.on('close', (_client, { code }) => events.push(`${code}`));
    const client = bus.create(bench.address('/status/503'), undefined, 'insecure', { reconnect: false });
    const end = await poll({ getMessage: () => bus.getMessage(client) });
    equal(['closeCode' in end && end.closeCode, events], [1006, ['CONNECT_FAILED', '1006']], 'the end');
  }),
  test('bus: its events carry the client, whichever it is', async (bench) => {
    const bus = busOf(bench);
    const events: [string, string][] = [];
    bus.on('open', ({ id }) => events.push([id, 'open']));
    bus.on('message', ({ id }, message) => events.push([id, `message ${message}`]));
    bus.on('close', ({ id }, { code }) => events.push([id, `close ${code}`]));
    const [one, two] = [bus.create(bench.address('/echo')), bus.create(bench.address('/echo'))];
    await Promise.all([opened(one), opened(two)]);
    assert(one.id !== two.id, 'two ids');
    bus.sendWebsocketMessage(one.id, 'to one');
    await until(() => events.length === 3);
    await bus.closeWebsocket(two);
    equal(
      events.slice(2),
      [
        [one.id, 'message to one'],
        [two.id, 'close 1000'],
      ],
      'the events',
    );
  }),
  test('bus: a message listener taken off leaves the messages to polling', async (bench) => {
    const bus = busOf(bench);
    const seen: Message[] = [];
    const client = bus.create(bench.address('/echo'));
    const off = bus.on('message', (_client, message) => seen.push(message));
    bus.sendWebsocketMessage(client, 'listened');
    await until(() => seen.length === 1);
    off();
    bus.sendWebsocketMessage(client, 'polled');
    equal([await nextMessage(client), seen], ['polled', ['listened']], 'who got what');
  }),
  test('bus: an id that is not on it is UNKNOWN_CLIENT; asking is calm', async (bench) => {
    const bus = busOf(bench);
    const calls = [
      () => bus.sendWebsocketMessage('nobody', ''),
      () => bus.sendWebsocketMessageBinary('nobody', new ArrayBuffer(0)),
      () => bus.closeWebsocket('nobody'),
    ];
    for (const call of calls) equal(throwsAtOnce(call, 'UNKNOWN_CLIENT').context, { id: 'nobody' }, 'the context');
    equal([bus.isConnectionOpen('nobody'), bus.getMessage('nobody')], [false, undefined], 'the answers');
    await bus.closeAll();
  }),
  test('bus: a client leaves it when its end has been read', async (bench) => {
    const bus = busOf(bench);
    const client = await opened(bus.create(bench.address('/echo')));
    equal([bus.clients.size, bus.clients.get(client.id) === client], [1, true], 'the clients');
    bus.sendWebsocketMessage(client, 'unread');
    await until(() => client.stats.messagesReceived === 1);
    await bus.closeWebsocket(client);
    equal([bus.getMessage(client.id), bus.clients.size], [{ message: 'unread' }, 1], 'the unread message');
    const end = bus.getMessage(client.id);
    equal([end !== undefined && 'closeCode' in end, bus.clients.size], [true, 0], 'the end, and the clients left');
    equal(bus.getMessage(client.id), undefined, 'a poll by an id that is gone');
    equal((await bus.closeWebsocket(client)).code, 1000, 'closing again by the client');
  }),
  test('bus: a client with a handler leaves it when it is closed', async (bench) => {
    const bus = busOf(bench);
    const client = await opened(bus.create(bench.address('/echo'), () => {}));
    await bus.closeWebsocket(client);
    await until(() => bus.clients.size === 0);
  }),
  test('bus: closeAll and disposal close every client', async (bench) => {
    const bus = busOf(bench);
    const clients = [bus.create(bench.address('/echo')), bus.create(bench.address('/echo')), bus.create(bench.address('/silent'))];
    await Promise.all(clients.slice(0, 2).map(opened));
    await bus.closeAll(4000, 'over');
    equal(
      clients.map(({ state }) => state),
      ['closed', 'closed', 'closed'],
      'the states',
    );
    const { connections } = await bench.log({ closed: 2 });
    equal(
      connections.map(({ closed }) => closed?.code),
      [4000, 4000],
      'the codes that the server saw',
    );
    const client = await opened(bus.create(bench.address('/echo')));
    await bus[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    equal(client.state, 'closed', 'the state after disposal');
  }),
  test('bus: two of them know nothing of each other', async (bench) => {
    const [one, two] = [busOf(bench), busOf(bench)];
    const client = await opened(one.create(bench.address('/echo')));
    equal([two.clients.size, two.isConnectionOpen(client.id)], [0, false], 'the other bus');
    throwsAtOnce(() => two.sendWebsocketMessage(client.id, 'lost'), 'UNKNOWN_CLIENT');
  }),
];
