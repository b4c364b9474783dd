import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import type { WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { type Presence, presence } from '../../src/entry/topics.js';
import * as Kind from '../../src/session/record-kind.js';
import { ClientTopics } from '../../src/topics/client-topics.js';
import { MEMBERS } from '../../src/topics/records.js';
import { limit } from '../support/pace.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import { pair, serve, until } from './support.js';

const COUNT = 1_000;

/** Counts the MEMBERS records of all clients of this process. Those of most clients are not read any further: that takes ten times as long. */
function countRecords(isRead: (topics: ClientTopics) => boolean): () => number {
  let records = 0;
  const { receive } = ClientTopics.prototype;
  const spy = vi.spyOn(ClientTopics.prototype, 'receive').mockImplementation(function (this: ClientTopics, kind, bytes, start, end) {
    const isMembers = kind === Kind.topic && bytes[start] === MEMBERS;
    if (isMembers) records += 1;
    return isMembers && !isRead(this) ? undefined : receive.call(this, kind, bytes, start, end);
  });
  onTestFinished(() => spy.mockRestore());
  return () => records;
}

async function connectMany(server: WebsocketServer, count: number): Promise<IWebsocketClient[]> {
  const clients: IWebsocketClient[] = [];
  onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
  const options = { type: 'insecure', session: session(), reconnect: false } as const;
  while (clients.length < count) {
    const group = Array.from({ length: 50 }, () => connect(`ws://127.0.0.1:${server.port}`, options));
    clients.push(...(await Promise.all(group)));
  }
  return clients;
}

describe('a thousand members of one topic', () => {
  it(
    'that join within a second cost some records each, and not one for each other member',
    async () => {
      const server = await serve({ authorize: () => true, maxClients: 2 * COUNT });
      const clients = await connectMany(server, COUNT);
      const read = new Set(clients.slice(0, 10));
      const records = countRecords(({ client }) => read.has(client));
      const pending = clients.map((client, index) =>
        presence(client, 'doc', { data: { name: `member ${index}`, cursor: [index, index] } }),
      );
      for (const other of pending) other.catch(() => {});
      const rooms: Presence[] = await Promise.all(pending.slice(0, 10));
      await until(() => {
        for (const { members } of rooms) expect(members.size).toBe(COUNT);
      });
      // A snapshot of 60 KiB is four records. Single changes would be half a million.
      await until(() => expect(records()).toBeGreaterThanOrEqual(4 * COUNT));
      expect(records()).toBeLessThan(100 * COUNT);
      expect(server.metrics).toMatchObject({ presences: COUNT, presenceMembers: COUNT });
      expect((await server.members('doc')).size).toBe(COUNT);
      const late = await presence(clients[0] as IWebsocketClient, 'doc', { observe: true });
      expect(late.members.size).toBe(COUNT);
    },
    limit(60_000),
  );
});

describe('an observer', () => {
  it.each([
    ['that does not read', (proxy: FaultyProxy) => proxy.freeze('toClient')],
    [
      'that is disconnected',
      async (proxy: FaultyProxy) => {
        await proxy.refuse();
        proxy.cut('reset');
      },
    ],
  ])('%s has no queue on the server, and later gets one snapshot instead of the changes', async (_name, stop) => {
    const server = await serve({ authorize: () => true, authenticate: ({ url }) => url?.slice(1), userKey: String });
    const writer = await presence((await pair(server, { session: session() }, '/ann')).client, 'doc');
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const windowBytes = 32_768;
    const options = { type: 'insecure', session: session({ windowBytes }), liveness: false, reconnect: { minDelayMs: 1 } } as const;
    const slow = await connect(`ws://127.0.0.1:${proxy.port}/bob`, options);
    onTestFinished(async () => void (await slow.close()));
    const observer = await presence(slow, 'doc', { observe: true });
    let changes = 0;
    observer.on('change', () => {
      changes += 1;
    });
    await stop(proxy);
    const rounds = 40;
    for (let round = 1; round <= rounds; round++) {
      const isChanged = new Promise<void>((resolve) => {
        const off = writer.on('change', () => resolve(off()));
      });
      await writer.update(`${round} ${'x'.repeat(4_000)}`);
      await isChanged;
    }
    await proxy.heal();
    await until(() => expect(String(observer.members.get('ann')?.data)).toMatch(`${rounds} xxx`));
    // Eight of them fit into the client's window.
    expect(changes).toBeLessThan(rounds / 2);
  });
});
