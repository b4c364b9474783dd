import { describe, expect, it, onTestFinished, vi } from 'vitest';
import WebSocket from 'ws';
import { type Deferred, deferred } from '../../src/core/util.js';
import {
  type ClientOptions,
  type CloseInfo,
  type Continuity,
  connect,
  type IWebsocketClient,
  type Message,
  streams,
  type WebsocketError,
} from '../../src/entry/node.js';
import { listen, type ServerClient, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import * as standard from '../../src/entry/standard.js';
import { encodeControl } from '../../src/session/controls.js';
import { limit } from '../support/pace.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import {
  closeOf,
  foreignOpen,
  frame,
  handshake,
  messageOf,
  nextClient,
  Opcode,
  RawPeer,
  serve,
  serveEcho,
  statusOf,
  until,
} from './support.js';

/** A quick reconnect, so that a break costs a test no time. */
const quick: ClientOptions = { reconnect: { minDelayMs: 1, maxDelayMs: 20 } };

async function open(port: number, options: ClientOptions = {}): Promise<IWebsocketClient> {
  const client = await connect(`ws://127.0.0.1:${port}`, { type: 'insecure', session: session(), ...quick, ...options });
  onTestFinished(() => void client.close());
  return client;
}

interface Setting {
  readonly server: WebsocketServer;
  readonly proxy: FaultyProxy;
  readonly client: IWebsocketClient;
  readonly accepted: ServerClient;
}

/** A session client and its server, with a link between them that the test can break. */
async function linked(serverOptions: ServerOptions = {}, options: ClientOptions = {}): Promise<Setting> {
  const server = await serve(serverOptions);
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const accepting = nextClient(server);
  const client = await open(proxy.port, options);
  return { server, proxy, client, accepted: await accepting };
}

function textsOf(client: IWebsocketClient): Message[] {
  const messages: Message[] = [];
  client.on('message', (message) => messages.push(message));
  return messages;
}

function receiptsOf(client: IWebsocketClient): Continuity[] {
  const receipts: Continuity[] = [];
  client.on('reconnected', (receipt) => receipts.push(receipt));
  return receipts;
}

function codesOf(client: IWebsocketClient): string[] {
  const codes: string[] = [];
  client.on('error', ({ code }: WebsocketError) => codes.push(code));
  return codes;
}

describe('one port serves', () => {
  it('plain clients and session clients, each in its own way', async () => {
    const server = await serveEcho();
    const plain = await foreignOpen(server);
    const client = await open(server.port);
    const messages = textsOf(client);
    const echoed = messageOf(plain);
    plain.send('plain');
    client.sendMessage('in a session');
    client.sendMessageBinary(Uint8Array.of(1, 2, 3));
    client.sendMessage('');
    client.sendMessage('x'.repeat(60_000));
    expect(await echoed).toBe('plain');
    await until(() => expect(messages).toEqual(['in a session', Uint8Array.of(1, 2, 3), '', 'x'.repeat(60_000)]));
    expect(server.clients).toHaveLength(2);
    expect(server.metrics).toMatchObject({ clients: 2, connectionsTotal: 2, messagesReceived: 5 });
  });

  it('the subprotocols of the application, inside', async () => {
    const server = await serve({ protocols: ['chess', 'chat'] });
    const accepting = nextClient(server);
    const client = await open(server.port, { protocols: ['go', 'chat', 'chess'] });
    expect([client.protocol, (await accepting).protocol]).toEqual(['chat', 'chat']);
  });

  it('plain clients alone with session: false, and the others get UNSUPPORTED', async () => {
    const server = await serve({ session: false });
    await foreignOpen(server);
    await expect(open(server.port, { reconnect: false })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await until(() => expect(server.metrics.clients).toBe(1));
  });

  it.each([
    ['session', true],
    ['session.windowBytes', { windowBytes: 1_000 }],
    ['session.resumeWindowMs', { resumeWindowMs: -1 }],
    ['session.maxDetached', { maxDetached: -1 }],
  ])('nobody with a senseless %s', async (option, value) => {
    await expect(serve({ session: value as never })).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option } });
  });
});

describe('the first batch', () => {
  it('is awaited for handshakeTimeoutMs, and a client without one counts towards maxClients', async () => {
    const server = await serve({ handshakeTimeoutMs: 200, maxClients: 1 });
    const silent = await foreignOpen(server, ['gem.1']);
    const closed = closeOf(silent);
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(503);
    expect(await closed).toMatchObject({ code: 4504 });
    await until(() => expect(server.metrics.clients).toBe(0));
    await open(server.port);
  });

  it.each([
    ['a text', 'hello', 4400],
    ['rubbish', Uint8Array.of(0xff, 0xff), 4400],
    ['more than a batch may have', new Uint8Array(65_537), 1009],
  ])('that is %s ends its own connection', async (_what, message, code) => {
    const server = await serve();
    const socket = await foreignOpen(server, ['gem.1']);
    const closed = closeOf(socket);
    socket.send(message);
    expect((await closed).code).toBe(code);
    expect(server.clients).toEqual([]);
  });
});

describe("the events 'away' and 'back' of a client", () => {
  it('report that its peer disconnected, and that it resumed, with the receipt; connection comes once', async () => {
    const { server, proxy, client, accepted } = await linked();
    const seen: unknown[] = [];
    accepted.on('away', () => seen.push(['away', accepted.state]));
    accepted.on('back', (continuity) => seen.push(['back', accepted.state, continuity]));
    accepted.on('close', () => seen.push('close'));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(seen).toEqual([['away', 'reconnecting']]));
    accepted.sendMessage('kept');
    const messages = textsOf(client);
    await proxy.heal();
    await until(() => expect(seen[1]).toEqual(['back', 'open', expect.objectContaining({ resumed: true, lost: 0 })]));
    await until(() => expect(messages).toEqual(['kept']));
    await client.close();
    await until(() => expect(seen.slice(2)).toEqual(['close']));
    expect(server.metrics.connectionsTotal).toBe(1);
  });

  it('come in pairs where a peer takes the place of its own older connection', async () => {
    const { proxy, client, accepted } = await linked({ liveness: false }, { liveness: { pingMs: limit(20), timeoutMs: limit(30) } });
    const seen: string[] = [];
    accepted.on('away', () => seen.push('away'));
    accepted.on('back', () => seen.push('back'));
    proxy.forget();
    await until(() => expect(client.stats.reconnects).toBeGreaterThan(0));
    await until(() => expect(seen.slice(0, 2)).toEqual(['away', 'back']));
  });

  it('end with close, and without back, where the peer does not return in time', async () => {
    const { proxy, accepted } = await linked({ session: { resumeWindowMs: 50 } });
    const seen: string[] = [];
    for (const event of ['away', 'back', 'close'] as const) accepted.on(event, () => seen.push(event));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(seen).toEqual(['away', 'close']));
  });

  it('never come for a plain client', async () => {
    const server = await serve();
    const accepting = nextClient(server);
    const socket = await foreignOpen(server);
    const seen: string[] = [];
    const accepted = await accepting;
    for (const event of ['away', 'back', 'close'] as const) accepted.on(event, () => seen.push(event));
    socket.terminate();
    await until(() => expect(seen).toEqual(['close']));
  });

  it('have listeners that can be taken off, and that may throw', async () => {
    const { proxy, accepted } = await linked();
    const errors: WebsocketError[] = [];
    accepted.on('error', (error) => errors.push(error));
    let calls = 0;
    accepted.on('away', () => {
      calls += 1;
    })();
    accepted.on('away', () => {
      throw new Error('a bug');
    });
    accepted.on('back', () => {
      throw new Error('another');
    });
    proxy.cut('reset');
    await until(() =>
      expect(errors).toMatchObject([
        { code: 'HANDLER_FAILED', context: { handler: 'away' } },
        { code: 'HANDLER_FAILED', context: { handler: 'back' } },
      ]),
    );
    expect(calls).toBe(0);
  });
});

describe('batchDelayMs', () => {
  /** How many WebSocket messages bring what the server sends in three turns. */
  async function batches(batchDelayMs: number): Promise<number> {
    const server = await serve({ session: { batchDelayMs } });
    const accepting = nextClient(server);
    const peer = await foreignOpen(server, ['gem.1']);
    peer.send(encodeControl({ is: 'hello', initialCredit: 1_000, maxMessageBytes: 16_384, protocols: [] }));
    const client = await accepting;
    await messageOf(peer);
    const sizes: number[] = [];
    peer.on('message', (data: Buffer) => sizes.push(data.length));
    for (const text of ['one', 'two', 'three']) {
      await new Promise(setImmediate);
      client.sendMessage(text);
    }
    await until(() => expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(14));
    return sizes.filter((size) => size >= 4).length;
  }

  it('sends the messages of many turns together; without it each turn is a batch', async () => {
    expect(await batches(0)).toBe(3);
    expect(await batches(300)).toBe(1);
  });
});

describe('a server that is full', () => {
  it('resumes a client whose old socket has not closed yet', async () => {
    const server = await serve({ maxClients: 1 });
    const proxies = [await startProxy(server.port), await startProxy(server.port)];
    onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))));
    let attempt = 0;
    const accepting = nextClient(server);
    const client = await connect(() => `ws://127.0.0.1:${proxies[Math.min(attempt++, 1)]?.port}`, {
      ...{ type: 'insecure', session: session(), ...quick, liveness: { pingMs: limit(50), timeoutMs: limit(50) } },
    });
    onTestFinished(() => void client.close());
    const receipts = receiptsOf(client);
    proxies[0]?.freeze();
    client.sendMessage('written into the frozen link');
    await until(() => expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]));
    const accepted = await accepting;
    await until(() => expect(accepted.getMessage()).toEqual({ message: 'written into the frozen link' }));
    expect(server.metrics).toMatchObject({ clients: 1, refusedFull: 0 });
  });

  it('has no room for a new session beside it, and reports that', async () => {
    const { server } = await linked({ maxClients: 1 });
    const reasons: string[] = [];
    server.on('refused', ({ reason }) => reasons.push(reason));
    await expect(open(server.port, { reconnect: false })).rejects.toMatchObject({ code: 'CONNECT_FAILED', context: { closeCode: 1013 } });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(503);
    expect(reasons).toEqual(['full', 'full']);
    expect(server.metrics).toMatchObject({ clients: 1, connectionsTotal: 1 });
  });

  it('keeps the session of a disconnected client while other clients take its place, until there is room again', async () => {
    const { server, proxy, client, accepted } = await linked({ maxClients: 1 });
    const receipts = receiptsOf(client);
    await proxy.refuse();
    proxy.cut('fin');
    await until(() => expect(server.metrics.clients).toBe(0));
    const other = await open(server.port);
    await proxy.heal();
    accepted.sendMessage('kept');
    await until(() => expect(server.metrics.refusedFull).toBeGreaterThan(0));
    await other.close();
    await until(() => expect(receipts).toMatchObject([{ resumed: true }]));
    await until(() => expect(client.getMessage()).toEqual({ message: 'kept' }));
  });
});

describe('a cut', () => {
  it.each(['fin', 'reset'] as const)('with %s and nothing sent is seen by neither application', async (how) => {
    const { proxy, client, accepted, server } = await linked();
    const [here, there] = [receiptsOf(client), receiptsOf(accepted)];
    const states: string[] = [];
    accepted.on('state', (now) => states.push(now));
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    proxy.cut(how);
    await until(() => expect(here).toHaveLength(1));
    const receipt = { resumed: true, replayed: 0, lost: 0, reason: expect.any(String) };
    expect([here, there]).toEqual([[receipt], [receipt]]);
    expect(states).toEqual(['reconnecting', 'open']);
    expect(connections).toBe(0);
    expect(server.clients).toEqual([accepted]);
    expect(server.metrics).toMatchObject({ clients: 1, connectionsTotal: 1, sessionsResumed: 1, sessionsDetached: 0 });
  });

  it('keeps the messages that both sides send meanwhile, also broadcasts, and counts them in the reports', async () => {
    const { server, proxy, client, accepted } = await linked();
    const [up, down] = [textsOf(accepted), textsOf(client)];
    const receipts = receiptsOf(client);
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(server.metrics).toMatchObject({ clients: 0, sessionsDetached: 1 }));
    client.sendMessage('from the client');
    accepted.sendMessage('from the server');
    server.broadcast('to all');
    server.broadcast(Uint8Array.of(7));
    expect(server.clients).toEqual([accepted]);
    await proxy.heal();
    await until(() => expect([up, down]).toEqual([['from the client'], ['from the server', 'to all', Uint8Array.of(7)]]));
    expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]);
  });

  it('in the middle of a large message neither loses nor repeats a byte of it', async () => {
    const { proxy, client, accepted } = await linked({ maxMessageBytes: 8_000_000 });
    const messages = textsOf(accepted);
    const text = 'abcdefgh'.repeat(500_000);
    proxy.throttle(20_000_000);
    client.sendMessage(text);
    client.sendMessage('after it');
    await until(() => expect(client.bufferedBytes).toBeLessThan(3_000_000));
    expect(messages).toEqual([]);
    proxy.cut('reset');
    await proxy.heal();
    await until(() => expect(messages).toHaveLength(2));
    expect(messages[0] === text).toBe(true);
    expect(messages[1]).toBe('after it');
  });
});

describe('a client that is back before its old socket was seen to die', () => {
  it('takes its session over, and later messages of the old socket are ignored', async () => {
    const server = await serve();
    const [old, next] = [await startProxy(server.port), await startProxy(server.port)];
    onTestFinished(() => Promise.all([old.close(), next.close()]).then(() => {}));
    const accepting = nextClient(server);
    let proxy = old;
    const client = await connect(() => `ws://127.0.0.1:${proxy.port}`, {
      type: 'insecure',
      session: session(),
      ...quick,
      liveness: { pingMs: limit(30), timeoutMs: limit(500) },
    });
    onTestFinished(() => void client.close());
    const accepted = await accepting;
    const [up, down] = [textsOf(accepted), textsOf(client)];
    const [causes, returned] = [[] as unknown[], receiptsOf(client)];
    accepted.on('reconnecting', ({ cause }) => causes.push(cause));
    old.freeze();
    proxy = next;
    client.sendMessage('late and again');
    accepted.sendMessage('into the dark');
    await until(() => expect(returned).toMatchObject([{ resumed: true, replayed: 2, lost: 0 }]));
    expect(causes).toMatchObject([{ reason: expect.stringContaining('reconnected') }]);
    await old.heal();
    await until(() => expect(old.connections).toBe(0));
    await until(() => expect([up, down]).toEqual([['late and again'], ['into the dark']]));
    // Once each, also after a round trip more.
    client.sendMessage('last');
    await until(() => expect(up.at(-1)).toBe('last'));
    expect([up, down]).toEqual([['late and again', 'last'], ['into the dark']]);
    expect(server.metrics).toMatchObject({ clients: 1, connectionsTotal: 1 });
  });
});

describe('a session that is gone', () => {
  it('because the server was restarted yields a receipt, the messages not acknowledged, and an open connection', async () => {
    const first = await serve();
    const proxy = await startProxy(first.port);
    onTestFinished(() => proxy.close());
    const client = await open(proxy.port);
    const undelivered: Message[] = [];
    client.on('undelivered', (messages) => undelivered.push(...messages));
    const receipts = receiptsOf(client);
    const { port } = first;
    proxy.freeze();
    client.sendMessage('lost');
    client.sendMessageBinary(Uint8Array.of(1));
    await until(() => expect(client.stats.messagesSent).toBe(2));
    await new Promise(setImmediate);
    proxy.cut('reset');
    await first.close({ graceMs: 1 });
    const second = await listen('127.0.0.1', port);
    onTestFinished(() => second.close({ graceMs: 1 }));
    const accepting = nextClient(second);
    await proxy.heal();
    const accepted = await accepting;
    const messages = textsOf(accepted);
    await until(() => expect(receipts).toHaveLength(1));
    expect(receipts).toEqual([
      { resumed: false, replayed: 0, lost: undefined, lostFromPeer: undefined, reason: expect.stringContaining('does not know') },
    ]);
    expect(undelivered).toEqual(['lost', Uint8Array.of(1)]);
    client.sendMessage('in the new one');
    await until(() => expect(messages).toEqual(['in the new one']));
  });

  it.each([
    ['the window was over', { resumeWindowMs: 50 }, 'resume window', 'sessionsExpired'],
    ['it was evicted', { maxDetached: 0 }, 'make room', 'sessionsEvicted'],
  ])('because %s says so, and counts what was lost on both sides', async (_why, sessionOptions, reason, metric) => {
    const { server, proxy, client, accepted } = await linked({ session: sessionOptions });
    const receipts = receiptsOf(client);
    const undelivered: Message[] = [];
    accepted.on('undelivered', (messages) => undelivered.push(...messages));
    const closed = new Promise((resolve) => accepted.on('close', resolve));
    proxy.freeze('toClient');
    accepted.sendMessage('one');
    accepted.sendMessage('two');
    await until(() => expect(accepted.bufferedBytes).toBe(0));
    await proxy.refuse();
    proxy.cut('reset');
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(undelivered).toEqual(['one', 'two']);
    await proxy.heal();
    await until(() => expect(receipts).toHaveLength(1));
    expect(receipts).toMatchObject([{ resumed: false, lost: 2, lostFromPeer: 2, reason: expect.stringContaining(reason) }]);
    expect(server.metrics).toMatchObject({ [metric]: 1, sessionsDetached: 0, connectionsTotal: 2 });
    expect(client.isConnectionOpen()).toBe(true);
  });
});

describe('a client whose session ended because it broke the WebSocket protocol', () => {
  it('gets the close code when it reconnects, and the server continues', async () => {
    const server = await serve();
    const begin = async () => {
      const peer = await RawPeer.connect(server.port);
      peer.socket.write(handshake({ 'Sec-WebSocket-Protocol': 'gem.1' }));
      await until(() => peer.head());
      return peer;
    };
    const peer = await begin();
    const offer = { initialCredit: 1_000, maxMessageBytes: 16_384, protocols: [] };
    peer.send(frame(Opcode.binary, encodeControl({ is: 'hello', ...offer })));
    const welcome = new Uint8Array((await peer.frame()).payload);
    peer.send(frame(Opcode.text, Uint8Array.of(0xff)));
    expect(await peer.closeCode()).toBe(1007);
    await until(() => expect(server.metrics.clients).toBe(0));
    const [id, secret] = [welcome.slice(3, 19), welcome.slice(19, 35)];
    const again = await begin();
    again.send(frame(Opcode.binary, encodeControl({ is: 'resume', id, secret, attempt: 1, received: 0, messagesSent: 0, ...offer })));
    expect(await again.closeCode()).toBe(1007);
    await foreignOpen(server);
  });
});

describe('authenticate', () => {
  it('is asked at every handshake, and the request is that of the newest', async () => {
    let asked = 0;
    const authenticate = () => {
      asked += 1;
      return { name: 'anna' };
    };
    const { proxy, client, accepted } = await linked({ authenticate });
    const receipts = receiptsOf(client);
    const { request, user } = accepted;
    proxy.cut('reset');
    await until(() => expect(receipts).toMatchObject([{ resumed: true }]));
    expect(asked).toBe(2);
    expect(accepted.request).not.toBe(request);
    expect(accepted.user).toBe(user);
  });

  it('refuses a session to another user, whose client gets a new one', async () => {
    let name = 'anna';
    const { server, proxy, client, accepted } = await linked({ authenticate: () => ({ name }) });
    const receipts = receiptsOf(client);
    name = 'bert';
    const accepting = nextClient(server);
    proxy.cut('reset');
    await until(() => expect(receipts).toMatchObject([{ resumed: false, reason: expect.stringContaining('does not know') }]));
    expect((await accepting).user).toEqual({ name: 'bert' });
    expect(accepted.state).toBe('reconnecting');
    expect(server.metrics).toMatchObject({ sessionsRefused: 1, sessionsResumed: 0, sessionsDetached: 1 });
  });

  it('may return a value that changes, if isSameUser compares users', async () => {
    let token = 0;
    const isSameUser = (before: unknown, now: unknown) => (before as { id: string }).id === (now as { id: string }).id;
    const authenticate = () => ({ id: 'anna', token: token++ });
    const { proxy, client } = await linked({ authenticate, session: { isSameUser } });
    const receipts = receiptsOf(client);
    proxy.cut('reset');
    await until(() => expect(receipts).toMatchObject([{ resumed: true }]));
  });

  it('with an isSameUser that throws resumes no session, and the server reports the error', async () => {
    const isSameUser = () => {
      throw new Error('a bug');
    };
    const { server, proxy, client } = await linked({ session: { isSameUser } });
    const errors: WebsocketError[] = [];
    server.on('error', (error) => errors.push(error));
    const receipts = receiptsOf(client);
    proxy.cut('reset');
    await until(() => expect(receipts).toMatchObject([{ resumed: false }]));
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'isSameUser' } }]);
  });
});

describe('the bounds of the server hold for sessions:', () => {
  it('rateLimit counts messages, not batches', async () => {
    const { client, accepted } = await linked({ rateLimit: { messagesPerSecond: 1, burst: 10 } });
    const messages = textsOf(accepted);
    const closed = new Promise((resolve) => client.on('close', resolve));
    for (let number = 0; number < 11; number++) client.sendMessage(`${number}`);
    expect(await closed).toMatchObject({ code: 1008, reason: 'RATE_LIMITED' });
    expect(messages).toHaveLength(10);
  });

  describe('rateLimit and a disconnect, burst 10 and 10 a second', () => {
    const messagesPerSecond = 10;
    const rateLimit = { messagesPerSecond, burst: 10 };

    /** Time passes for the rate limit only when the test says so. */
    async function linkedOutOfTime(options: ClientOptions = {}): Promise<Setting> {
      vi.useFakeTimers({ toFake: ['performance'] });
      onTestFinished(() => void vi.useRealTimers());
      return linked({ rateLimit, liveness: false }, options);
    }

    function sendMany(client: IWebsocketClient, count: number): void {
      for (let index = 0; index < count; index++) client.sendMessage(String(index));
    }

    it('idle for 12 s and disconnected for an instant: the burst, no more', async () => {
      const { proxy, client, accepted, server } = await linkedOutOfTime();
      vi.advanceTimersByTime(12_000);
      proxy.cut('reset');
      await until(() => expect(accepted.state).toBe('reconnecting'));
      vi.advanceTimersByTime(8);
      sendMany(client, 125);
      await until(() => expect(server.metrics.closedRateLimited).toBe(1));
      expect(accepted.stats.messagesReceived).toBe(10);
    });

    it('disconnected for 5 s: the tokens of these, beside the burst', async () => {
      const { proxy, client, accepted } = await linkedOutOfTime();
      vi.advanceTimersByTime(12_000);
      await proxy.refuse();
      proxy.cut('reset');
      await until(() => expect([client.state, accepted.state]).toEqual(['reconnecting', 'reconnecting']));
      vi.advanceTimersByTime(5_000);
      sendMany(client, 60);
      await proxy.heal();
      await until(() => expect(accepted.stats.messagesReceived).toBe(60));
      client.sendMessage('one too many');
      await until(() => expect(accepted.state).toBe('closed'));
    });

    it('a link that was dark for 5 s, which only the client has noticed: the same', async () => {
      const { proxy, client, accepted } = await linkedOutOfTime({ liveness: { pingMs: 20, timeoutMs: limit(500) } });
      client.sendMessage('heard');
      await until(() => expect(accepted.stats.messagesReceived).toBe(1));
      proxy.forget();
      vi.advanceTimersByTime(5_000);
      sendMany(client, 59);
      await until(() => expect(accepted.stats.messagesReceived).toBe(60));
      expect([accepted.state, accepted.stats.reconnects]).toEqual(['open', 1]);
    });
  });

  it('rateLimit grants a client that was disconnected the tokens of that time', async () => {
    const { proxy, client, accepted, server } = await linked({ rateLimit: { messagesPerSecond: 200, burst: 10 } });
    const messages = textsOf(accepted);
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(server.metrics.sessionsDetached).toBe(1));
    const since = performance.now();
    for (let number = 0; number < 40; number++) client.sendMessage(`${number}`);
    await until(() => expect(performance.now() - since).toBeGreaterThan(300));
    await proxy.heal();
    await until(() => expect(messages).toHaveLength(40));
    expect(server.metrics.closedRateLimited).toBe(0);
  });

  it('maxBufferedBytes ends a session whose client does not read, with 1013', async () => {
    const { server, client, accepted } = await linked(
      { maxBufferedBytes: 100_000 },
      { session: session({ windowBytes: 32_768 }), reconnect: false },
    );
    const closed = new Promise((resolve) => client.on('close', resolve));
    const codes = codesOf(accepted);
    while (accepted.isConnectionOpen()) {
      accepted.sendMessage('x'.repeat(10_000));
      await new Promise(setImmediate);
    }
    expect(await closed).toMatchObject({ code: 1013, reason: 'TOO_SLOW' });
    expect(codes).toEqual(['TOO_SLOW', 'UNSENT']);
    expect(server.metrics).toMatchObject({ closedTooSlow: 1, clients: 0, sessionsDetached: 0 });
  });

  it('maxBufferedBytes ends a session whose client is disconnected', async () => {
    const { server, proxy, client, accepted } = await linked({ maxBufferedBytes: 100_000 });
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(accepted.state).toBe('reconnecting'));
    for (let number = 0; number < 12 && accepted.state !== 'closed'; number++) server.broadcast('x'.repeat(10_000));
    expect(accepted.state).toBe('closed');
    expect(server.metrics).toMatchObject({ closedTooSlow: 1, sessionsDetached: 0, sessionsExpired: 0, bufferedBytes: 0 });
    const receipts = receiptsOf(client);
    await proxy.heal();
    await until(() => expect(receipts).toMatchObject([{ resumed: false, reason: expect.stringContaining('ended') }]));
  });

  it('maxBufferedBytes bounds empty messages, too, to a client that grants no credit for the echo of its own', async () => {
    const server = await serveEcho({ maxBufferedBytes: 1_000_000 });
    const greedy = await foreignOpen(server, ['gem.1']);
    const closed = closeOf(greedy);
    greedy.send(encodeControl({ is: 'hello', initialCredit: 0, maxMessageBytes: 65_536, protocols: [] }));
    await messageOf(greedy);
    // An empty TEXT is one byte.
    const batch = new Uint8Array(10_000).fill(0x01);
    for (let number = 0; number < 20 && greedy.readyState === WebSocket.OPEN; number++) {
      greedy.send(batch);
      await new Promise(setImmediate);
    }
    expect(await closed).toMatchObject({ code: 1013, reason: 'TOO_SLOW' });
  });

  it('maxMessageBytes is announced to the client, which closes with 1009 when a message needs more', async () => {
    const { client, accepted } = await linked({ maxMessageBytes: 20_000 });
    const [ends, codes] = [[client.close, accepted.close].map(() => deferred<CloseInfo>()), codesOf(client)];
    client.on('close', (info) => ends[0]?.resolve(info));
    accepted.on('close', (info) => ends[1]?.resolve(info));
    expect(client.sendMessage('x'.repeat(20_001))).toBe(false);
    expect(await ends[0]?.promise).toEqual({ code: 1009, reason: 'MESSAGE_TOO_BIG', wasClean: false });
    expect(await ends[1]?.promise).toEqual({ code: 1009, reason: 'MESSAGE_TOO_BIG', wasClean: true });
    expect(codes).toEqual(['MESSAGE_TOO_BIG', 'UNSENT']);
  });

  it('maxMessageBytes is 16,384 at the least, as a record is never cut', async () => {
    const { client, accepted } = await linked({ maxMessageBytes: 1_000 });
    const messages = textsOf(accepted);
    client.sendMessage('x'.repeat(16_384));
    await until(() => expect(messages).toHaveLength(1));
    expect(client.sendMessage('x'.repeat(16_385))).toBe(false);
  });

  it('a client that announces less than a broadcast needs is closed with 1009, and that is logged once', async () => {
    const { server, client, accepted } = await linked({}, { maxMessageBytes: 20_000 });
    const log = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    const [plain, messages] = [await foreignOpen(server), textsOf(client)];
    const sizes: number[] = [];
    plain.on('message', (message: Buffer) => sizes.push(message.length));
    accepted.on('undelivered', () => {});
    server.broadcast('short');
    for (let number = 0; number < 3; number++) server.broadcast('x'.repeat(20_001));
    expect(accepted.state).toBe('closed');
    await until(() => expect(sizes).toEqual([5, 20_001, 20_001, 20_001]));
    await until(() => expect(messages).toEqual(['short']));
    expect(log.mock.calls).toEqual([[expect.stringMatching(`client ${accepted.id} .* has 20001 bytes.* takes at most 20000`)]]);
    expect(server.metrics).toMatchObject({ closedTooBig: 1, messagesUnsent: 1 });
  });
});

describe('a reader that stops', () => {
  it('stops the sender, while pings and the other direction continue', async () => {
    const { client, accepted } = await linked(
      {},
      { session: session({ windowBytes: 32_768 }), liveness: { pingMs: 20, timeoutMs: 1_000 } },
    );
    const up = textsOf(accepted);
    let sent = 0;
    while (accepted.sendMessage('x'.repeat(1_000))) sent += 1;
    await until(() => expect(client.stats.messagesReceived).toBeGreaterThan(20));
    const { messagesReceived } = client.stats;
    for (let number = 0; number < 100; number++) client.sendMessage(`${number}`);
    await until(() => expect(up).toHaveLength(100));
    await until(() => expect(client.stats.rttMs).toBeGreaterThanOrEqual(0));
    expect(client.stats.messagesReceived).toBe(messagesReceived);
    expect(messagesReceived * 1_032).toBeLessThanOrEqual(32_768);
    expect(client.isConnectionOpen()).toBe(true);
    const drained = accepted.drained();
    const down = textsOf(client);
    await drained;
    await until(() => expect(down).toHaveLength(sent + 1));
  });

  /** Each reads one message, and the rest when it is let go on. */
  const readers: Record<string, (client: IWebsocketClient, mayGoOn: Promise<void>, seen: Message[]) => Promise<void>> = {
    async 'a for await whose body awaits'(client, mayGoOn, seen) {
      for await (const message of client) {
        seen.push(message);
        await mayGoOn;
      }
    },
    async 'a stream that is not read'(client, mayGoOn, seen) {
      const reader = streams(client).readable.getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        seen.push(next.value);
        await mayGoOn;
      }
    },
  };

  it.each(Object.entries(readers))('sets the pace of the sender: %s', async (_name, read) => {
    const { client, accepted } = await linked({}, { session: session({ windowBytes: 32_768 }) });
    const [goOn, seen]: [Deferred<void>, Message[]] = [deferred(), []];
    const reading = read(client, goOn.promise, seen);
    let sent = 1;
    while (accepted.sendMessage(`${sent}`.padEnd(1_000))) sent += 1;
    await until(() => expect(client.stats.messagesReceived).toBeGreaterThan(20));
    const up = textsOf(accepted);
    client.sendMessage('as long as a round trip takes');
    await until(() => expect(up).toHaveLength(1));
    expect(accepted.bufferedBytes).toBeGreaterThan(500_000);
    // The one that is read and the one that a stream holds ready have given their credit back.
    expect(client.stats.messagesReceived * 1_032).toBeLessThanOrEqual(32_768 + 2 * 1_032);
    expect(seen).toHaveLength(1);
    goOn.resolve();
    await until(() => expect(seen.map((message) => Number(message))).toEqual(Array.from({ length: sent }, (_, index) => index + 1)));
    await client.close();
    await reading;
  });
});

describe('a message', () => {
  it('that is volatile is dropped while the client is disconnected, and the newest of a key is kept', async () => {
    const { server, proxy, client, accepted } = await linked();
    const messages = textsOf(client);
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(server.metrics.sessionsDetached).toBe(1));
    accepted.sendMessage('position', 'volatile');
    accepted.sendMessage('score 1', { latest: 'score' });
    accepted.sendMessage('score 2', { latest: 'score' });
    await proxy.heal();
    await until(() => expect(messages).toEqual(['score 2']));
    expect(accepted.stats.messagesShed).toBe(2);
  });
});

describe('a runtime whose WebSocket has no ping', () => {
  it('finds a frozen link by the pings of the session, and resumes', async () => {
    // Node 20 has none of its own.
    vi.stubGlobal('WebSocket', WebSocket);
    onTestFinished(() => void vi.unstubAllGlobals());
    const server = await serve();
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const client = await standard.connect(`ws://127.0.0.1:${proxy.port}`, {
      type: 'insecure',
      session: session(),
      reconnect: { minDelayMs: 1, maxDelayMs: 20 },
      liveness: { pingMs: limit(30), timeoutMs: limit(60) },
      connectTimeoutMs: limit(300),
    });
    onTestFinished(() => void client.close());
    const [codes, receipts] = [codesOf(client), receiptsOf(client)];
    await until(() => expect(client.stats.rttMs).toBeGreaterThanOrEqual(0));
    proxy.freeze();
    await until(() => expect(codes).toEqual(['LINK_DEAD']));
    await proxy.heal();
    await until(() => expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]));
  });
});

describe('the end', () => {
  it('of close() comes after all that was sent, with its code', async () => {
    const { client, accepted } = await linked();
    const messages = textsOf(client);
    const closed = new Promise((resolve) => client.on('close', resolve));
    for (let number = 0; number < 1_000; number++) accepted.sendMessage(`${number}`);
    expect(await accepted.close(4000, 'game over')).toMatchObject({ code: 4000, wasClean: true });
    expect(messages).toHaveLength(1_000);
    await until(() => expect(client.state).toBe('reconnecting'));
    await client.close();
    await closed;
  });

  it('of the server spreads the reconnects of the clients over graceMs, and ends the disconnected ones', async () => {
    const first = await serve();
    const { port } = first;
    const count = 20;
    const clients = await Promise.all(Array.from({ length: count }, () => open(port)));
    const delays: number[] = [];
    // The first server may still be there, or the second not yet, when the first of them come.
    for (const client of clients) client.on('reconnecting', ({ attempt, delayMs }) => attempt === 1 && delays.push(delayMs));
    const graceMs = 1_000;
    await first.close({ graceMs });
    const second = await listen('127.0.0.1', port);
    onTestFinished(() => second.close({ graceMs: 1 }));
    await until(() => expect(delays).toHaveLength(count));
    delays.sort((one, other) => one - other);
    // One in each twentieth of the window.
    for (const [index, delayMs] of delays.entries()) expect(Math.floor((delayMs * count) / graceMs) - index).toBeOneOf([0, -1]);
    await until(() => expect(second.metrics.clients).toBe(count));
  });

  it('of the server ends the sessions whose clients are disconnected', async () => {
    const { server, proxy, accepted } = await linked();
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(accepted.state).toBe('reconnecting'));
    await server.close();
    expect(accepted.state).toBe('closed');
    expect(server.metrics.sessionsDetached).toBe(0);
  });
});
