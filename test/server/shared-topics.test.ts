import { describe, expect, it, onTestFinished } from 'vitest';
import { Client } from '../../src/core/client.js';
import { type ChannelFeature, clientParts } from '../../src/core/client-parts.js';
import type { Continuity } from '../../src/core/types.js';
import type { WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { type Presence, presence, publish, type Subscription, subscribe } from '../../src/entry/topics.js';
import { nodePlatform } from '../../src/platform/node/platform.js';
import { Hub } from '../../src/shared/hub.js';
import { OneTabRelay } from '../../src/shared/one-tab-relay.js';
import { localPorts, type PortLike } from '../../src/shared/port.js';
import { shareKey } from '../../src/shared/posts.js';
import { TabConnection } from '../../src/shared/tab-connection.js';
import { TabRelay } from '../../src/topics/tab-relay.js';
import { startProxy } from '../support/proxy.js';
import { serve, until } from './support.js';

function sharedHub(): Hub {
  return new Hub({
    platform: nodePlatform,
    locks: undefined,
    makeSession: session,
    makeRelay: (client) => client.extension('topics', (port) => new TabRelay(port, nodePlatform.clock)),
  });
}

/** A worker with tabs, in one process, over a real connection. */
class Worker {
  readonly #port: number;
  readonly #hub: Hub;

  constructor(port: number, hub = sharedHub()) {
    this.#port = port;
    this.#hub = hub;
  }

  async tab(): Promise<Client> {
    const feature = session() as ChannelFeature;
    const options = { session: feature, reconnect: { minDelayMs: 1, maxDelayMs: 1 } };
    const parts = clientParts(nodePlatform, `ws://127.0.0.1:${this.#port}`, 'insecure', options);
    const address = `ws://127.0.0.1:${this.#port}/`;
    const open = (): PortLike => {
      const [tab, hub] = localPorts();
      this.#hub.accept(hub);
      return tab;
    };
    const tabParts = {
      ...parts,
      key: shareKey(undefined, address, parts.settings, feature.options),
      address,
      session: feature.options,
      locks: undefined,
      watchVisibility: () => () => {},
      openWorker: open,
      openLocal: open,
    };
    const client = new Client({ ...parts, makeConnection: (owner) => new TabConnection(tabParts, owner) });
    await client.connect();
    onTestFinished(async () => void (await client.close()));
    return client;
  }
}

const open = (options = {}): Promise<WebsocketServer> => serve({ authorize: () => true, ...options });

function texts(subscription: Subscription): unknown[] {
  const found: unknown[] = [];
  for (let next = subscription.getMessage(); next !== undefined; next = subscription.getMessage()) found.push(next.message);
  return found;
}

describe('a tab without a worker', () => {
  it('has topics over a hub of its own', async () => {
    const server = await open();
    const hub = new Hub({
      platform: nodePlatform,
      locks: undefined,
      makeSession: session,
      makeRelay: (client) => client.extension('records', (port) => new OneTabRelay(port)),
    });
    const tab = await new Worker(server.port, hub).tab();
    const subscription = await subscribe(tab, 'news');
    await publish(tab, 'news', 'a');
    await publish(tab, 'news', 'b', { volatile: true });
    const read: unknown[] = [];
    await until(() => {
      read.push(...texts(subscription));
      expect(read).toEqual(['a', 'b']);
    });
    await subscription.unsubscribe();
    await until(() => expect(server.metrics.subscriptions).toBe(0));
  });
});

describe('the tabs of a worker', () => {
  it('share one subscription of the worker, and each has every message', async () => {
    const server = await open();
    const worker = new Worker(server.port);
    const tabs = [await worker.tab(), await worker.tab(), await worker.tab()];
    const subscriptions = await Promise.all(tabs.map((tab) => subscribe(tab, 'news')));
    expect(server.clients).toHaveLength(1);
    expect(server.metrics.subscriptions).toBe(1);
    const position = await publish(tabs[1] as Client, 'news', 'a');
    for (const subscription of subscriptions) await until(() => expect(subscription.getMessage()).toEqual({ message: 'a', position }));
    expect(server.metrics.messagesPublished).toBe(1);
  });

  it('end the subscription with the last of them, also if a tab is closed', async () => {
    const server = await open();
    const worker = new Worker(server.port);
    const [one, two] = [await worker.tab(), await worker.tab()];
    const [first, second] = [await subscribe(one, 'news'), await subscribe(two, 'news')];
    await first.unsubscribe();
    await server.publish('news', 'a');
    await until(() => expect(texts(second)).toEqual(['a']));
    expect(texts(first)).toEqual([]);
    await two.close();
    await until(() => expect(server.metrics.subscriptions).toBe(0));
  });

  it('have a position of their own if they ask for one', async () => {
    const server = await open();
    const worker = new Worker(server.port);
    const [one, two] = [await worker.tab(), await worker.tab()];
    const positions = await Promise.all(['a', 'b', 'c'].map((text) => server.publish('news', text)));
    const oldest = await subscribe(one, 'news', { from: 'oldest' });
    const later = await subscribe(two, 'news', { from: positions[1] as string });
    await until(() => expect(texts(oldest)).toEqual(['a', 'b', 'c']));
    await until(() => expect(texts(later)).toEqual(['c']));
  });

  it('are refused each for itself', async () => {
    const server = await open({ authorize: (_client: unknown, action: string) => action === 'subscribe' });
    const worker = new Worker(server.port);
    const [one, two] = [await worker.tab(), await worker.tab()];
    await subscribe(two, 'news');
    await expect(publish(one, 'news', 'a')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('go on while one of them does not read, which then has everything', async () => {
    const server = await open({ topics: { historyMessages: 1_000, historyBytes: 16_777_216 } });
    const worker = new Worker(server.port);
    const [slow, quick] = [await worker.tab(), await worker.tab()];
    const stopped = await subscribe(slow, 'news', { windowBytes: 8_192 });
    const read: unknown[] = [];
    await subscribe(quick, 'news', ({ message }) => read.push((message as string).length));
    for (let index = 0; index < 100; index++) await server.publish('news', 'x'.repeat(1_000 + index));
    await until(() => expect(read).toHaveLength(100));
    const late: unknown[] = [];
    await until(() => {
      late.push(...texts(stopped).map((text) => (text as string).length));
      expect(late).toHaveLength(100);
    });
    expect(late).toEqual(Array.from({ length: 100 }, (_, index) => 1_000 + index));
    expect(read).toEqual(late);
  });

  it.each([
    ['resumed', 60_000],
    ['lost', 1],
  ])('continue at their positions when the session is %s', async (_name, resumeWindowMs) => {
    const server = await open({ session: { resumeWindowMs } });
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const worker = new Worker(proxy.port);
    const tabs = [await worker.tab(), await worker.tab()] as const;
    const subscriptions = await Promise.all(tabs.map((tab) => subscribe(tab, 'news')));
    await server.publish('news', 'before');
    for (const subscription of subscriptions) await until(() => expect(texts(subscription)).toEqual(['before']));
    const reports: Continuity[] = [];
    for (const subscription of subscriptions) subscription.on('continuity', (continuity) => reports.push(continuity));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(tabs.map(({ state }) => state)).toEqual(['reconnecting', 'reconnecting']));
    for (const text of ['a', 'b', 'c']) await server.publish('news', text);
    if (resumeWindowMs === 1) await until(() => expect(server.clients).toHaveLength(0));
    const own = publish(tabs[0], 'news', 'own');
    await proxy.heal();
    await own;
    for (const subscription of subscriptions) {
      const read: unknown[] = [];
      await until(() => {
        read.push(...texts(subscription));
        expect(read).toEqual(['a', 'b', 'c', 'own']);
      });
    }
    expect(server.metrics.subscriptions).toBe(1);
    expect(server.metrics.messagesPublished).toBe(5);
    await until(() => expect(reports).toHaveLength(2));
    for (const report of reports) expect(report).toMatchObject({ resumed: true, lost: 0 });
  });
});

describe('a presence', () => {
  it('in several tabs is one connection of the member, until the last tab leaves', async () => {
    const server = await open({ authenticate: () => 'ann', userKey: String });
    const worker = new Worker(server.port);
    const [one, two] = [await worker.tab(), await worker.tab()];
    const [first, second] = [await presence(one, 'doc', { data: 1 }), await presence(two, 'doc', { data: 2 })];
    const members = (room: Presence) => [...room.members.values()];
    for (const room of [first, second]) {
      await until(() => expect(members(room)).toEqual([{ key: 'ann', data: 2, connections: 1, state: 'here' }]));
    }
    await first.update(3);
    for (const room of [first, second]) await until(() => expect(members(room)).toMatchObject([{ data: 3 }]));
    await one.close();
    await second.update(4);
    await until(() => expect(members(second)).toMatchObject([{ data: 4, connections: 1 }]));
    await second.leave();
    await until(() => expect(server.metrics).toMatchObject({ presences: 0, presenceMembers: 0 }));
  });
});
