import { describe, expect, it, onTestFinished } from 'vitest';
import type { Continuity, IWebsocketClient, WebsocketError } from '../../src/entry/node.js';
import { connect } from '../../src/entry/node.js';
import type { ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { publish, type Subscription, subscribe, type TopicMessage } from '../../src/entry/topics.js';
import { startProxy } from '../support/proxy.js';
import { pair, serve, until } from './support.js';

const all = (): boolean => true;

async function subscriber(server: WebsocketServer): Promise<IWebsocketClient> {
  return (await pair(server, { session: session() })).client;
}

function open(options: ServerOptions = {}): Promise<WebsocketServer> {
  return serve({ authorize: all, ...options });
}

function texts(subscription: Subscription): (string | Uint8Array)[] {
  const found: (string | Uint8Array)[] = [];
  for (let next = subscription.getMessage(); next !== undefined; next = subscription.getMessage()) found.push(next.message);
  return found;
}

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `message ${from + index}`);

describe('a topic', () => {
  it('brings every message to every subscriber, with its position, in the order of its log', async () => {
    const server = await open();
    const [one, two] = [await subscriber(server), await subscriber(server)];
    const received: TopicMessage[] = [];
    const first = await subscribe(one, 'news', (message) => received.push(message));
    const second = await subscribe(two, 'news');
    const positions = await Promise.all([publish(one, 'news', 'a'), publish(one, 'news', Uint8Array.of(1, 2)), publish(one, 'news', '')]);
    await until(() => expect(received).toHaveLength(3));
    expect(received.map(({ message }) => message)).toEqual(['a', Uint8Array.of(1, 2), '']);
    expect(received.map(({ position }) => position)).toEqual(positions);
    expect(first.position).toBe(positions[2]);
    await until(() => expect(texts(second)).toEqual(['a', Uint8Array.of(1, 2), '']));
  });

  it('is published to by the server itself, which needs no permission and no client', async () => {
    const server = await open({ authorize: (_client, action) => action === 'subscribe' });
    const subscription = await subscribe(await subscriber(server), 'news');
    const position = await server.publish('news', 'hello');
    await until(() => expect(subscription.getMessage()).toEqual({ message: 'hello', position }));
  });

  it('is read by iteration, which ends with the subscription', async () => {
    const server = await open();
    const subscription = await subscribe(await subscriber(server), 'news');
    await server.publish('news', 'a');
    await server.publish('news', 'b');
    const read: unknown[] = [];
    for await (const { message } of subscription) {
      read.push(message);
      if (read.length === 2) await subscription.unsubscribe();
    }
    expect(read).toEqual(['a', 'b']);
  });

  it('keeps the order of a thousand publishes of one turn', async () => {
    const server = await open({ authorize: async (_client, action) => action !== 'publish' || (await Promise.resolve(true)) });
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news', { windowBytes: 1_048_576 });
    await Promise.all(numbered(1_000).map((text) => publish(client, 'news', text)));
    await until(() => expect(server.metrics.messagesPublished).toBe(1_000));
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toHaveLength(1_000);
    });
    expect(read).toEqual(numbered(1_000));
  });

  it('gets each of the messages that are published in one turn, those in fragments too', async () => {
    const server = await open();
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news');
    const messages = ['x'.repeat(20_000), 'a', 'y'.repeat(40_000), 'b', 'c'];
    const positions = await Promise.all(messages.map((message) => publish(client, 'news', message)));
    expect(new Set(positions).size).toBe(messages.length);
    expect(server.metrics.messagesPublished).toBe(messages.length);
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toHaveLength(messages.length);
    });
    expect(read).toEqual(messages);
  });

  it('carries messages of every size up to its largest, and no larger one', async () => {
    const server = await open({ maxMessageBytes: 100_000 });
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news', { windowBytes: 1_048_576 });
    for (const size of [0, 1, 16_383, 16_384, 16_385, 65_536, 100_000]) {
      await publish(client, 'news', 'x'.repeat(size));
      await until(() => expect(subscription.getMessage()?.message).toHaveLength(size));
    }
    await expect(publish(client, 'news', 'x'.repeat(100_001))).rejects.toMatchObject({
      code: 'MESSAGE_TOO_BIG',
      context: { limit: 100_000 },
    });
    await expect(server.publish('news', 'x'.repeat(100_001))).rejects.toMatchObject({ code: 'MESSAGE_TOO_BIG' });
  });

  it('may be published to from its own listener', async () => {
    const server = await open();
    const client = await subscriber(server);
    const read: unknown[] = [];
    await subscribe(client, 'news', ({ message }) => {
      read.push(message);
      if (read.length < 50) void publish(client, 'news', `answer ${read.length}`);
    });
    await publish(client, 'news', 'begin');
    await until(() => expect(read).toHaveLength(50));
    expect(read).toEqual(['begin', ...Array.from({ length: 49 }, (_, index) => `answer ${index + 1}`)]);
  });
});

describe('a subscription that begins', () => {
  it.each([
    ['now', 'now', 0],
    ['at the oldest message of the history', 'oldest', 10],
  ] as const)('%s', async (_name, from, count) => {
    const server = await open();
    for (const text of numbered(10)) await server.publish('news', text);
    const subscription = await subscribe(await subscriber(server), 'news', { from });
    await server.publish('news', 'later');
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read.at(-1)).toBe('later');
    });
    expect(read).toEqual([...numbered(count), 'later']);
  });

  it('after a position reads everything behind it, and reports how much', async () => {
    const server = await open({ topics: { historyMessages: 1_000 } });
    const positions = await Promise.all(numbered(500).map((text) => server.publish('news', text)));
    const subscription = await subscribe(await subscriber(server), 'news', { from: positions[99] as string, windowBytes: 1_048_576 });
    const report = await reportOf(subscription);
    expect(report).toMatchObject({ resumed: true, replayed: 400, lost: 0 });
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toHaveLength(400);
    });
    expect(read).toEqual(numbered(400, 100));
  });

  it('after a position that the history has left reports exactly how much is lost', async () => {
    const server = await open({ topics: { historyMessages: 10 } });
    const positions = await Promise.all(numbered(100).map((text) => server.publish('news', text)));
    const subscription = await subscribe(await subscriber(server), 'news', { from: positions[49] as string });
    expect(await reportOf(subscription)).toMatchObject({ resumed: true, replayed: 10, lost: 40 });
    await until(() => expect(texts(subscription)).toEqual(numbered(10, 90)));
  });

  it.each([['nonsense'], ['aaaaaaaa.1-0'], ['\u0001'], ['x'.repeat(64)]])(
    'after a position of another log, %j, has lost what nobody can count',
    async (from) => {
      const server = await open();
      await server.publish('news', 'a');
      const subscription = await subscribe(await subscriber(server), 'news', { from });
      expect(await reportOf(subscription)).toMatchObject({ resumed: false, replayed: 1, lost: undefined });
      await until(() => expect(texts(subscription)).toEqual(['a']));
    },
  );
});

function reportOf(subscription: Subscription): Promise<Continuity> {
  return new Promise((resolve) => {
    const off = subscription.on('continuity', (continuity) => {
      off();
      resolve(continuity);
    });
  });
}

describe('a disconnect', () => {
  async function throughProxy(server: WebsocketServer) {
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const client = await connect(`ws://127.0.0.1:${proxy.port}`, { type: 'insecure', session: session(), reconnect: { minDelayMs: 1 } });
    onTestFinished(async () => void (await client.close()));
    return { client, proxy };
  }

  it('costs no message while the session lives, and is reported', async () => {
    const server = await open();
    const { client, proxy } = await throughProxy(server);
    const subscription = await subscribe(client, 'news');
    await server.publish('news', 'before');
    await until(() => expect(texts(subscription)).toEqual(['before']));
    const reports: Continuity[] = [];
    subscription.on('continuity', (continuity) => reports.push(continuity));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(client.state).toBe('reconnecting'));
    for (const text of numbered(40)) await server.publish('news', text);
    await proxy.heal();
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toHaveLength(40);
    });
    expect(read).toEqual(numbered(40));
    await until(() => expect(reports).toMatchObject([{ resumed: true, replayed: 40, lost: 0 }]));
  });

  it('and a new session resume the subscription at its position, and publish each message once', async () => {
    const server = await open({ session: { resumeWindowMs: 1 } });
    const { client, proxy } = await throughProxy(server);
    const subscription = await subscribe(client, 'news', { from: 'oldest' });
    const reports: Continuity[] = [];
    subscription.on('continuity', (continuity) => reports.push(continuity));
    await publish(client, 'news', 'first');
    await until(() => expect(texts(subscription)).toEqual(['first']));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(client.state).toBe('reconnecting'));
    await server.publish('news', 'meanwhile');
    const own = publish(client, 'news', 'own');
    await until(() => expect(server.clients).toHaveLength(0));
    await proxy.heal();
    await own;
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toEqual(['meanwhile', 'own']);
    });
    // The own message may be in the log before the new subscription is granted.
    expect(reports).toMatchObject([{ resumed: true, lost: 0 }]);
    expect(reports[0]?.replayed).toBeGreaterThanOrEqual(1);
    expect(server.metrics.messagesPublished).toBe(3);
  });
});

describe('permission', () => {
  it('is denied without authorize, to subscribe and to publish', async () => {
    const server = await serve();
    const client = await subscriber(server);
    await expect(subscribe(client, 'news')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(publish(client, 'news', 'a')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(client.isConnectionOpen()).toBe(true);
  });

  it.each([
    ['false', () => false],
    ['nothing', () => undefined],
    ['a text', () => 'yes'],
    ['an expired grant', () => ({ expiresAt: new Date(0) })],
    ['an invalid date', () => ({ expiresAt: new Date(Number.NaN) })],
    ['a promise of false', () => Promise.resolve(false)],
  ])('is denied by %s', async (_name, authorize) => {
    const client = await subscriber(await open({ authorize: authorize as never }));
    await expect(subscribe(client, 'news')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('of the application');
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the application'))],
  ])('is denied by a function that %s, and the server reports it', async (_name, authorize) => {
    const server = await open({ authorize });
    const errors: WebsocketError[] = [];
    server.on('error', (error) => errors.push(error));
    await expect(subscribe(await subscriber(server), 'news')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'authorize' } }]);
  });

  it('that is never decided is denied at its deadline, and the client goes on', async () => {
    const server = await open({
      authorize: (_client, _action, topic) => topic !== 'slow' || new Promise<boolean>(() => {}),
      authorizeTimeoutMs: 50,
    });
    const client = await subscriber(server);
    await expect(subscribe(client, 'slow')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const subscription = await subscribe(client, 'news');
    await publish(client, 'news', 'a');
    await until(() => expect(texts(subscription)).toEqual(['a']));
  });

  it('is asked with the client, the action and the topic', async () => {
    const asked: unknown[] = [];
    const server = await open({
      authorize: (client, action, topic) => {
        asked.push([client === server.clients[0], action, topic]);
        return true;
      },
    });
    const client = await subscriber(server);
    await subscribe(client, 'news');
    await publish(client, 'chat', 'a');
    expect(asked).toEqual([
      [true, 'subscribe', 'news'],
      [true, 'publish', 'chat'],
    ]);
  });

  it('that expires ends the subscription', async () => {
    const server = await open({ authorize: () => ({ expiresAt: new Date(Date.now() + 100) }) });
    const subscription = await subscribe(await subscriber(server), 'news');
    const revoked = await new Promise<WebsocketError>((resolve) => subscription.on('revoked', resolve));
    expect(revoked.code).toBe('FORBIDDEN');
    await server.publish('news', 'a');
    expect(subscription.getMessage()).toBeUndefined();
    for await (const _ of subscription) throw new Error('A message follows a revoked grant.');
  });
});

describe('server.revoke', () => {
  it('ends the subscriptions of one user to one topic, and a request that waits for its permission', async () => {
    let decide = (_isGranted: boolean): void => {};
    const server = await open({
      authenticate: ({ url }) => url,
      userKey: (user) => String(user),
      authorize: (_client, _action, topic) =>
        topic !== 'slow' ||
        new Promise<boolean>((resolve) => {
          decide = resolve;
        }),
    });
    const one = (await pair(server, { session: session() }, '/one')).client;
    const two = (await pair(server, { session: session() }, '/two')).client;
    const [mine, other, theirs] = [await subscribe(one, 'news'), await subscribe(one, 'other'), await subscribe(two, 'news')];
    const revoked: WebsocketError[] = [];
    mine.on('revoked', (error) => revoked.push(error));
    const pending = subscribe(one, 'slow');
    pending.catch(() => {});
    await publish(one, 'other', 'the request has arrived');
    await server.revoke('news', '/one');
    await server.revoke('slow', '/one');
    decide(true);
    await expect(pending).rejects.toMatchObject({ code: 'FORBIDDEN', context: { topic: 'slow' } });
    await until(() => expect(revoked).toMatchObject([{ code: 'FORBIDDEN' }]));
    await server.publish('news', 'a');
    await until(() => expect(texts(theirs)).toEqual(['a']));
    expect(texts(mine)).toEqual([]);
    expect(texts(other)).toEqual(['the request has arrived']);
    await expect(server.revoke('', '/one')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(server.revoke('news', 5 as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('a client', () => {
  it('has a bounded number of subscriptions', async () => {
    const client = await subscriber(await open({ topics: { maxPerClient: 3 } }));
    const subscriptions = await Promise.all(['a', 'b', 'c'].map((topic) => subscribe(client, topic)));
    await expect(subscribe(client, 'd')).rejects.toMatchObject({ code: 'TOO_MANY_TOPICS', context: { limit: 3 } });
    await subscriptions[0]?.unsubscribe();
    await subscribe(client, 'd');
  });

  it('may subscribe to a topic twice: two subscriptions, each with every message once', async () => {
    const server = await open();
    const client = await subscriber(server);
    const [one, two] = [await subscribe(client, 'news'), await subscribe(client, 'news')];
    await server.publish('news', 'a');
    await until(() => expect(texts(one)).toEqual(['a']));
    await until(() => expect(texts(two)).toEqual(['a']));
    await one.unsubscribe();
    await server.publish('news', 'b');
    await until(() => expect(texts(two)).toEqual(['b']));
    expect(texts(one)).toEqual([]);
  });

  it.each([
    [''],
    ['x'.repeat(256)],
    ['ü'.repeat(128)],
    ['x'.repeat(10_000)],
    ['a\u0000b'],
    ['a\nb'],
    ['\ud800'],
    ['\udc00a'],
    [5],
    [undefined],
  ])('cannot use %j as the name of a topic', async (topic) => {
    const server = await open();
    const client = await subscriber(server);
    await expect(subscribe(client, topic as string)).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'topic' } });
    await expect(publish(client, topic as string, 'a')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await expect(server.publish(topic as string, 'a')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  it.each([['__proto__'], ['constructor'], ['x'.repeat(255)], ['😀 ünïcode'], [' ']])('can use %j', async (topic) => {
    const server = await open();
    const client = await subscriber(server);
    const subscription = await subscribe(client, topic);
    await publish(client, topic, 'a');
    await until(() => expect(texts(subscription)).toEqual(['a']));
  });

  it('without a session, and with a server that has no topics, is told so', async () => {
    const { client } = await pair(await open());
    await expect(subscribe(client, 'news')).rejects.toMatchObject({ code: 'UNSUPPORTED', context: { feature: 'topics' } });
    await expect(publish(client, 'news', 'a')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('that closes ends its subscriptions; what is unread can still be read', async () => {
    const server = await open();
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news');
    await publish(client, 'news', 'a');
    await client.close();
    expect(texts(subscription)).toEqual(['a']);
    for await (const _ of subscription) throw new Error('There is no more.');
    await expect(subscribe(client, 'news')).rejects.toMatchObject({ code: 'NOT_OPEN' });
    await until(() => expect(server.metrics).toMatchObject({ subscriptions: 0, topics: 0 }));
  });

  it('whose listener throws has an error event, and the next message', async () => {
    const server = await open();
    const client = await subscriber(server);
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    const read: unknown[] = [];
    await subscribe(client, 'news', ({ message }) => {
      read.push(message);
      throw new Error('of the application');
    });
    await server.publish('news', 'a');
    await server.publish('news', 'b');
    await until(() => expect(read).toEqual(['a', 'b']));
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED' }, { code: 'HANDLER_FAILED' }]);
  });

  it('may abort a request that is not answered, and later the subscription', async () => {
    const server = await open({ authorize: (_client, _action, topic) => topic !== 'slow' || new Promise<boolean>(() => {}) });
    const client = await subscriber(server);
    const waiting = new AbortController();
    const pending = subscribe(client, 'slow', { signal: waiting.signal });
    waiting.abort();
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED' });
    const later = new AbortController();
    const subscription = await subscribe(client, 'news', { signal: later.signal });
    later.abort();
    await until(() => expect(server.metrics.subscriptions).toBe(0));
    for await (const _ of subscription) throw new Error('There is no more.');
  });
});

describe('a reader that stops', () => {
  it('stops its own topic alone, and then has every message that the history holds', async () => {
    const server = await open({ topics: { historyMessages: 1_000, historyBytes: 16_777_216 } });
    const client = await subscriber(server);
    const slow = await subscribe(client, 'slow', { windowBytes: 65_536 });
    const quick: unknown[] = [];
    await subscribe(client, 'quick', ({ message }) => quick.push(message));
    for (let index = 0; index < 500; index++) await server.publish('slow', `${index}:${'x'.repeat(4_096)}`);
    await server.publish('quick', 'still here');
    await until(() => expect(quick).toEqual(['still here']));
    const read: string[] = [];
    await until(() => {
      read.push(...(texts(slow) as string[]).map((text) => text.split(':')[0] as string));
      expect(read).toHaveLength(500);
    });
    expect(read).toEqual(Array.from({ length: 500 }, (_, index) => String(index)));
  });

  it('is told exactly how much it has missed where the history is shorter', async () => {
    const server = await open({ topics: { historyMessages: 50 } });
    const client = await subscriber(server);
    const slow = await subscribe(client, 'slow', { windowBytes: 65_536 });
    let lost = 0;
    slow.on('continuity', (continuity) => {
      expect(continuity.resumed).toBe(true);
      lost += continuity.lost ?? Number.NaN;
    });
    for (let index = 0; index < 2_000; index++) await server.publish('slow', `${index}:${'x'.repeat(4_096)}`);
    const read: number[] = [];
    await until(() => {
      read.push(...(texts(slow) as string[]).map((text) => Number(text.split(':')[0])));
      expect(read.at(-1)).toBe(1_999);
    });
    expect(read.length + lost).toBe(2_000);
    expect(read).toEqual([...read].sort((one, other) => one - other));
  });
});

describe('a volatile message', () => {
  it('reaches the subscribers that keep up, has no position, and is in no history', async () => {
    const server = await open();
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news');
    expect(await publish(client, 'news', 'a', { volatile: true })).toBeUndefined();
    await until(() => expect(subscription.getMessage()).toEqual({ message: 'a', position: undefined }));
    expect(await server.publish('news', Uint8Array.of(1), { volatile: true })).toBeUndefined();
    await until(() => expect(subscription.getMessage()).toEqual({ message: Uint8Array.of(1), position: undefined }));
    const later = await subscribe(client, 'news', { from: 'oldest' });
    await server.publish('news', 'logged');
    await until(() => expect(texts(later)).toEqual(['logged']));
  });

  it('may be as large as any other, and is forbidden as any other', async () => {
    const server = await open({ authorize: (_client, action) => action === 'subscribe' });
    const client = await subscriber(server);
    const subscription = await subscribe(client, 'news');
    await server.publish('news', 'x'.repeat(50_000), { volatile: true });
    await until(() => expect(subscription.getMessage()?.message).toHaveLength(50_000));
    await expect(publish(client, 'news', 'a', { volatile: true })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
