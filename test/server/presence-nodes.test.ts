import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BackplaneError, type NodeBackplane, type Sink } from '../../src/backplane/backplane.js';
import { MemoryBroker } from '../../src/backplane/memory.js';
import type { ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { type Member, type Presence, presence } from '../../src/entry/topics.js';
import { limit } from '../support/pace.js';
import { pair, serve, until } from './support.js';

/** A node whose users are named by the path of their request. */
function node(backplane: NodeBackplane, options: ServerOptions = {}): Promise<WebsocketServer> {
  return serve({ backplane, authorize: () => true, authenticate: ({ url }) => url?.slice(1), userKey: String, ...options });
}

async function join(server: WebsocketServer, user: string, data?: unknown): Promise<Presence> {
  return presence((await pair(server, { session: session() }, `/${user}`)).client, 'doc', { data });
}

function texts(members: ReadonlyMap<string, Member>): string[] {
  return [...members.values()].map(({ key, connections, state, data }) => `${key} ${connections} ${state} ${JSON.stringify(data)}`).sort();
}

async function untilMembers(rooms: readonly Presence[], expected: readonly string[]): Promise<void> {
  await until(() => {
    for (const { members } of rooms) expect(texts(members)).toEqual(expected);
  });
}

describe('two nodes', () => {
  it('have the members of both, with their connections added up and the newest data', async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await node(broker.backplane()), await node(broker.backplane())];
    const ann = await join(one, 'ann', 'a');
    const bob = await join(two, 'bob', 'b');
    expect(texts(bob.members)).toEqual(['ann 1 here "a"', 'bob 1 here "b"']);
    await untilMembers([ann, bob], ['ann 1 here "a"', 'bob 1 here "b"']);
    const second = await join(two, 'ann', 'newer');
    await untilMembers([ann, bob, second], ['ann 2 here "newer"', 'bob 1 here "b"']);
    await ann.update('newest');
    await untilMembers([ann, bob, second], ['ann 2 here "newest"', 'bob 1 here "b"']);
    await second.leave();
    await untilMembers([ann, bob], ['ann 1 here "newest"', 'bob 1 here "b"']);
    for (const server of [one, two]) expect(texts(await server.members('doc'))).toEqual(texts(ann.members));
  });

  it('report a join at the first connection and a leave at the last, wherever they are', async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await node(broker.backplane()), await node(broker.backplane())];
    const observer = await join(one, 'observer');
    const seen: string[] = [];
    for (const event of ['join', 'leave'] as const) observer.on(event, ({ key }) => seen.push(`${event} ${key}`));
    const [first, second] = [await join(one, 'ann'), await join(two, 'ann')];
    await untilMembers([observer], ['ann 2 here null', 'observer 1 here null']);
    await first.leave();
    await untilMembers([observer], ['ann 1 here null', 'observer 1 here null']);
    await second.leave();
    await untilMembers([observer], ['observer 1 here null']);
    expect(seen).toEqual(['join ann', 'leave ann']);
  });

  it('take the newer data also if the clock of its node is behind', async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await node(broker.backplane()), await node(broker.backplane())];
    const now = vi.spyOn(Date, 'now').mockReturnValue(10 ** 13);
    onTestFinished(() => now.mockRestore());
    const ann = await join(one, 'ann', 'ahead');
    now.mockReturnValue(10 ** 12);
    const second = await join(two, 'ann', 'behind');
    await untilMembers([ann, second], ['ann 2 here "behind"']);
  });

  it('lose the members of a node that closes', async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await node(broker.backplane()), await node(broker.backplane())];
    const ann = await join(one, 'ann');
    await join(two, 'ann');
    await join(two, 'bob');
    await untilMembers([ann], ['ann 2 here null', 'bob 1 here null']);
    await two.close({ graceMs: 1 });
    await untilMembers([ann], ['ann 1 here null']);
    expect(texts(await one.members('doc'))).toEqual(['ann 1 here null']);
    await one.close({ graceMs: 1 });
    await expect(one.members('doc')).rejects.toMatchObject({ code: 'BACKPLANE_DOWN' });
  });

  it('give the members to a node without any client in the topic', async () => {
    const broker = new MemoryBroker();
    const [one, two] = [await node(broker.backplane()), await node(broker.backplane())];
    const room = await join(one, 'ann', [1]);
    expect(texts(await two.members('doc'))).toEqual(['ann 1 here [1]']);
    expect(await two.members('other')).toEqual(new Map());
    await room.leave();
    await vi.waitFor(async () => expect(await two.members('doc')).toEqual(new Map()), { timeout: limit(10_000) });
  });
});

/** A backplane that the test stops and starts. While it is stopped, calls reject, and what other nodes change is not pushed. */
function faulty(inner: NodeBackplane) {
  let isDown = false;
  let sink: Sink | undefined;
  const guarded =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isDown ? Promise.reject(new BackplaneError('down')) : call.apply(inner, args);
  const backplane: NodeBackplane = {
    name: 'faulty',
    open: (tag, own) => {
      sink = own;
      return inner.open(tag, {
        entry: (...args) => own.entry(...args),
        transient: (...args) => own.transient(...args),
        presence: (...args) => isDown || own.presence(...args),
        signal: (...args) => own.signal(...args),
        nodes: (alive) => own.nodes(alive),
        health: (isUp) => own.health(isUp),
      });
    },
    publish: guarded(inner.publish),
    watch: guarded(inner.watch),
    read: guarded(inner.read),
    tops: guarded(inner.tops),
    presence: guarded(inner.presence),
    swap: guarded(inner.swap),
    signal: guarded(inner.signal),
    close: () => inner.close(),
  };
  const set = (isUp: boolean) => {
    isDown = !isUp;
    sink?.health(isUp);
  };
  return { backplane, stop: () => set(false), start: () => set(true) };
}

describe('a backplane that is down', () => {
  it('refuses new topics, keeps those that are open for the clients of the node, and then catches up both ways', async () => {
    const broker = new MemoryBroker();
    const { backplane, stop, start } = faulty(broker.backplane());
    const [one, two] = [await node(backplane), await node(broker.backplane())];
    const ann = await join(one, 'ann', 1);
    const [bob, cat] = [await join(two, 'bob'), await join(two, 'cat')];
    await untilMembers([ann, bob, cat], ['ann 1 here 1', 'bob 1 here null', 'cat 1 here null']);
    stop();
    expect(one.health).toMatchObject({ ready: false, backplane: 'down' });
    await expect(one.members('doc')).rejects.toMatchObject({ code: 'BACKPLANE_DOWN' });
    const { client } = await pair(one, { session: session() }, '/eve');
    await expect(presence(client, 'other')).rejects.toMatchObject({ code: 'BACKPLANE_DOWN' });
    await ann.update(2);
    const dan = await join(one, 'dan');
    await cat.leave();
    await bob.update('new');
    await untilMembers([ann, dan], ['ann 1 here 2', 'bob 1 here null', 'cat 1 here null', 'dan 1 here null']);
    await untilMembers([bob], ['ann 1 here 1', 'bob 1 here "new"']);
    start();
    await untilMembers([ann, bob, dan], ['ann 1 here 2', 'bob 1 here "new"', 'dan 1 here null']);
    await presence(client, 'other');
  });

  it('gets the leave of the last client once it is up', async () => {
    const broker = new MemoryBroker();
    const { backplane, stop, start } = faulty(broker.backplane());
    const [one, two] = [await node(backplane), await node(broker.backplane())];
    const ann = await join(one, 'ann');
    const bob = await join(two, 'bob');
    await untilMembers([ann, bob], ['ann 1 here null', 'bob 1 here null']);
    stop();
    await ann.leave();
    await until(() => expect(one.metrics.presences).toBe(0));
    start();
    await untilMembers([bob], ['bob 1 here null']);
    await until(() => expect(one.metrics.presenceMembers).toBe(0));
  });
});
