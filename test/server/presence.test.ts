import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ExtensibleClient } from '../../src/core/extension.js';
import { connect, type IWebsocketClient, type WebsocketError } from '../../src/entry/node.js';
import type { ServerOptions, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { type Member, type Presence, presence, publish } from '../../src/entry/topics.js';
import * as Kind from '../../src/session/record-kind.js';
import { ClientTopics } from '../../src/topics/client-topics.js';
import { encodeBody, JOIN, MEMBERS, UPDATE } from '../../src/topics/records.js';
import { startProxy } from '../support/proxy.js';
import { pair, serve, until } from './support.js';

const all = (): boolean => true;

/** A server whose users are named by the path of their request. */
function open(options: ServerOptions = {}): Promise<WebsocketServer> {
  return serve({ authorize: all, authenticate: ({ url }) => url?.slice(1), userKey: (user) => String(user), ...options });
}

async function tab(server: WebsocketServer, user: string): Promise<IWebsocketClient> {
  return (await pair(server, { session: session() }, `/${user}`)).client;
}

async function throughProxy(server: WebsocketServer, user: string) {
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const options = { type: 'insecure', session: session(), reconnect: { minDelayMs: 1 } } as const;
  const client = await connect(`ws://127.0.0.1:${proxy.port}/${user}`, options);
  onTestFinished(async () => void (await client.close()));
  return { client, proxy };
}

/** The events of a presence, each as a text. */
function events(room: Presence): string[] {
  const seen: string[] = [];
  for (const event of ['join', 'leave', 'change'] as const) room.on(event, (member) => seen.push(`${event} ${textOf(member)}`));
  room.on('revoked', ({ code }) => seen.push(`revoked ${code}`));
  return seen;
}

function textOf({ key, connections, state, data }: Member): string {
  return `${key} ${connections} ${state} ${JSON.stringify(data)}`;
}

function membersOf(room: { readonly members: ReadonlyMap<string, Member> }): string[] {
  return [...room.members.values()].map(textOf).sort();
}

describe('a presence', () => {
  it('resolves with all members, the own one among them, and reports each that joins and leaves', async () => {
    const server = await open();
    const ann = await presence(await tab(server, 'ann'), 'doc', { data: { cursor: 1 } });
    expect(membersOf(ann)).toEqual(['ann 1 here {"cursor":1}']);
    const seen = events(ann);
    const bob = await presence(await tab(server, 'bob'), 'doc');
    expect(membersOf(bob)).toEqual(['ann 1 here {"cursor":1}', 'bob 1 here null']);
    await until(() => expect(seen).toEqual(['join bob 1 here null']));
    expect(membersOf(ann)).toEqual(membersOf(bob));
    await bob.leave();
    await until(() => expect(seen).toEqual(['join bob 1 here null', 'leave bob 1 here null']));
    expect(membersOf(ann)).toEqual(['ann 1 here {"cursor":1}']);
  });

  it('is of one topic', async () => {
    const server = await open();
    const ann = await tab(server, 'ann');
    const [one, other] = [await presence(ann, 'one', { data: 1 }), await presence(ann, '__proto__', { data: 2 })];
    expect([one.topic, membersOf(one)]).toEqual(['one', ['ann 1 here 1']]);
    expect([other.topic, membersOf(other)]).toEqual(['__proto__', ['ann 1 here 2']]);
  });

  it('has one member for the tabs of one user, until the last of them leaves', async () => {
    const server = await open();
    const bob = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    const seen = events(bob);
    const tabs = await Promise.all([1, 2, 3].map(() => tab(server, 'ann')));
    const rooms = await Promise.all(tabs.map((client) => presence(client, 'doc')));
    await until(() => expect(membersOf(bob)).toEqual(['ann 3 here null']));
    await rooms[0]?.leave();
    await tabs[1]?.close();
    await until(() => expect(membersOf(bob)).toEqual(['ann 1 here null']));
    expect(seen.some((event) => event.startsWith('leave'))).toBe(false);
    await tabs[2]?.close();
    await until(() => expect(seen.at(-1)).toBe('leave ann 1 here null'));
    expect(bob.members.size).toBe(0);
  });

  it('counts a connection that joins twice once, and until it has left twice', async () => {
    const server = await open();
    const client = await tab(server, 'ann');
    const [one, two] = [await presence(client, 'doc', { data: 1 }), await presence(client, 'doc', { data: 2 })];
    await until(() => expect(membersOf(one)).toEqual(['ann 1 here 2']));
    expect(membersOf(two)).toEqual(['ann 1 here 2']);
    await one.leave();
    await two.update(3);
    await until(() => expect(membersOf(two)).toEqual(['ann 1 here 3']));
    expect(membersOf(one)).toEqual(['ann 1 here 2']);
    await two.leave();
    await until(() => expect(server.metrics.presenceMembers).toBe(0));
    expect((await server.members('doc')).size).toBe(0);
  });

  it('that observes is no member, and has nothing to update', async () => {
    const server = await open();
    const ann = await presence(await tab(server, 'ann'), 'doc');
    const seen = events(ann);
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    expect(membersOf(observer)).toEqual(['ann 1 here null']);
    await expect(observer.update(1)).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'observe' } });
    await observer.leave();
    await presence(await tab(server, 'cat'), 'doc');
    await until(() => expect(seen).toEqual(['join cat 1 here null']));
  });

  it('has the newest update of a member, whichever connection sent it', async () => {
    const server = await open();
    const [first, second] = [await presence(await tab(server, 'ann'), 'doc', { data: 0 }), await presence(await tab(server, 'ann'), 'doc')];
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    for (const [number, room] of [first, second, first].entries()) {
      await room.update({ number });
      await until(() => expect(membersOf(observer)).toEqual([`ann 2 here {"number":${number}}`]));
    }
  });

  it('sends a hundred updates of one turn as one record', async () => {
    const server = await open();
    const ann = await presence(await tab(server, 'ann'), 'doc');
    const bob = await presence(await tab(server, 'bob'), 'doc');
    await until(() => expect(ann.members.size).toBe(2));
    const received = countRecords();
    const seen = events(bob);
    for (let number = 1; number <= 100; number++) void ann.update(number);
    await until(() => expect(seen.at(-1)).toBe('change ann 1 here 100'));
    // The first may be in a batch of its own.
    expect(seen.length).toBeLessThanOrEqual(2);
    expect(received()).toBeLessThanOrEqual(4);
  });

  it('keeps a key and data that are names of properties', async () => {
    const server = await open({ authenticate: () => '__proto__' });
    const data = JSON.parse('{"__proto__":{"constructor":1}}') as unknown;
    const room = await presence(await tab(server, 'x'), 'doc', { data });
    expect([...room.members.keys()]).toEqual(['__proto__']);
    expect(JSON.stringify(room.members.get('__proto__')?.data)).toBe('{"__proto__":{"constructor":1}}');
    expect([...(await server.members('doc')).keys()]).toEqual(['__proto__']);
  });

  it('has the id of the client as the key without userKey', async () => {
    const server = await serve({ authorize: all });
    const { client, accepted } = await pair(server, { session: session() });
    const room = await presence(client, 'doc');
    expect([...room.members.keys()]).toEqual([accepted.id]);
  });

  it('has members and events that are not stopped by a listener that throws', async () => {
    const server = await open();
    const client = await tab(server, 'ann');
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    const room = await presence(client, 'doc');
    room.on('join', () => {
      throw new Error('of the application');
    });
    const seen = events(room);
    await presence(await tab(server, 'bob'), 'doc');
    await until(() => expect(seen).toEqual(['join bob 1 here null']));
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'join' } }]);
    expect(() => room.on('joined' as 'join', () => {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});

/** Counts the MEMBERS records that all clients of this process receive from now on. */
function countRecords(): () => number {
  const receive = vi.spyOn(ClientTopics.prototype, 'receive');
  onTestFinished(() => receive.mockRestore());
  return () => receive.mock.calls.filter(([kind, bytes, start]) => kind === Kind.topic && bytes[start] === MEMBERS).length;
}

describe('a disconnect', () => {
  it('makes a member away while all of its connections are lost, and here with the first that returns', async () => {
    const server = await open();
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    const { client, proxy } = await throughProxy(server, 'ann');
    await presence(client, 'doc');
    const second = await presence(await tab(server, 'ann'), 'doc');
    await until(() => expect(membersOf(observer)).toEqual(['ann 2 here null']));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(client.state).toBe('reconnecting'));
    await second.leave();
    await until(() => expect(membersOf(observer)).toEqual(['ann 1 away null']));
    await proxy.heal();
    await until(() => expect(membersOf(observer)).toEqual(['ann 1 here null']));
  });

  it('is over for a resumed session: it has the members of now, and events for what changed', async () => {
    const server = await open();
    const { client, proxy } = await throughProxy(server, 'ann');
    const room = await presence(client, 'doc', { data: 'a' });
    const bob = await presence(await tab(server, 'bob'), 'doc');
    const cat = await presence(await tab(server, 'cat'), 'doc');
    await until(() => expect(room.members.size).toBe(3));
    const [seen, own] = [events(room), events(cat)];
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(client.state).toBe('reconnecting'));
    await until(() => expect(own).toContain('change ann 1 away "a"'));
    for (let number = 0; number <= 500; number++) void room.update(number);
    await bob.leave();
    await until(() => expect(own).toContain('leave bob 1 here null'));
    await cat.update(2);
    await presence(await tab(server, 'dan'), 'doc');
    await proxy.heal();
    await until(() => expect(membersOf(room)).toEqual(['ann 1 here 500', 'cat 1 here 2', 'dan 1 here null']));
    await until(() => expect(membersOf(cat)).toEqual(membersOf(room)));
    expect(seen).toContain('leave bob 1 here null');
    expect(seen).toContain('change cat 1 here 2');
    expect(seen).toContain('join dan 1 here null');
    // Of the updates that could not be sent, only the newest is.
    expect(own.filter((event) => /ann 1 here \d/.test(event))).toEqual(['change ann 1 here 500']);
  });

  it('and a new session join again with the newest data, and report the difference', async () => {
    const server = await open({ session: { resumeWindowMs: 1 } });
    const { client, proxy } = await throughProxy(server, 'ann');
    const room = await presence(client, 'doc', { data: 'old' });
    const bob = await presence(await tab(server, 'bob'), 'doc', { data: 1 });
    const cat = await presence(await tab(server, 'cat'), 'doc');
    await until(() => expect(room.members.size).toBe(3));
    await room.update('newer');
    await until(() => {
      for (const other of [room, bob, cat]) expect(membersOf(other)).toContain('ann 1 here "newer"');
    });
    const seen = events(room);
    const { members } = room;
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(membersOf(bob)).toEqual(['bob 1 here 1', 'cat 1 here null']));
    await room.update('newest');
    await cat.leave();
    await bob.update(2);
    await presence(await tab(server, 'dan'), 'doc');
    await proxy.heal();
    await until(() => expect(membersOf(room)).toEqual(['ann 1 here "newest"', 'bob 1 here 2', 'dan 1 here null']));
    expect(room.members).toBe(members);
    expect([...seen].sort()).toEqual([
      'change ann 1 here "newest"',
      'change bob 1 here 2',
      'join dan 1 here null',
      'leave cat 1 here null',
    ]);
    await until(() => expect(membersOf(bob)).toEqual(membersOf(room)));
  });

  it('and a new session whose server refuses end the presence', async () => {
    let isPermitted = true;
    const server = await open({ session: { resumeWindowMs: 1 }, authorize: () => isPermitted });
    const { client, proxy } = await throughProxy(server, 'ann');
    const room = await presence(client, 'doc');
    const seen = events(room);
    isPermitted = false;
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(server.clients).toHaveLength(0));
    await proxy.heal();
    await until(() => expect(seen).toEqual(['revoked FORBIDDEN']));
    await expect(room.update(1)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('the end of a presence', () => {
  it('is the end of its events: after leave() nothing follows, also in a listener', async () => {
    const server = await open();
    const room = await presence(await tab(server, 'ann'), 'doc', { observe: true });
    const seen: string[] = [];
    room.on('join', ({ key }) => {
      seen.push(key);
      void room.leave();
    });
    const rooms = await Promise.all(['bob', 'cat', 'dan'].map(async (user) => presence(await tab(server, user), 'doc')));
    await until(() => expect(seen).toHaveLength(1));
    await Promise.all(rooms.map((other) => other.leave()));
    await until(() => expect(server.metrics.presenceMembers).toBe(0));
    expect((await server.members('doc')).size).toBe(0);
    expect(seen).toHaveLength(1);
    await room.leave();
    await expect(room.update(1)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await until(() => expect(server.metrics).toMatchObject({ presences: 0, presenceMembers: 0 }));
  });

  it('is reached by leave() before the server has answered', async () => {
    let decide = (_isGranted: boolean): void => {};
    const server = await open({
      authorize: () =>
        new Promise<boolean>((resolve) => {
          decide = resolve;
        }),
    });
    const client = await tab(server, 'ann');
    const abort = new AbortController();
    const pending = presence(client, 'doc', { signal: abort.signal });
    await until(() => expect(server.clients).toHaveLength(1));
    abort.abort(new Error('of the application'));
    await expect(pending).rejects.toMatchObject({ code: 'ABORTED', context: { topic: 'doc' } });
    decide(true);
    await until(() => expect(server.metrics.presences).toBe(0));
    expect((await server.members('doc')).size).toBe(0);
  });

  it('is reached by an abort, by the end of a block, and by the close of the client', async () => {
    const server = await open();
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    const abort = new AbortController();
    const client = await tab(server, 'ann');
    await presence(client, 'doc', { signal: abort.signal });
    await until(() => expect(observer.members.size).toBe(1));
    abort.abort();
    await until(() => expect(observer.members.size).toBe(0));
    {
      await using room = await presence(client, 'doc');
      await until(() => expect(observer.members.size).toBe(room.members.size));
    }
    await until(() => expect(observer.members.size).toBe(0));
    const room = await presence(client, 'doc');
    const seen = events(room);
    await client.close();
    await until(() => expect(observer.members.size).toBe(0));
    expect(seen).toEqual([]);
    await expect(room.update(1)).rejects.toMatchObject({ code: 'NOT_OPEN' });
    await expect(presence(client, 'doc')).rejects.toMatchObject({ code: 'NOT_OPEN' });
  });

  it('is revoked by the server, by its own hand and when the grant expires', async () => {
    const server = await open({
      authorize: (_client, _action, topic) => (topic === 'short' ? { expiresAt: new Date(Date.now() + 100) } : true),
    });
    const client = await tab(server, 'ann');
    const observer = await presence(await tab(server, 'bob'), 'doc');
    const [room, short] = [await presence(client, 'doc'), await presence(client, 'short')];
    const [seen, seenShort] = [events(room), events(short)];
    await server.revoke('doc', 'ann');
    await until(() => expect(seen).toEqual(['revoked FORBIDDEN']));
    await until(() => expect(membersOf(observer)).toEqual(['bob 1 here null']));
    await until(() => expect(seenShort).toEqual(['revoked FORBIDDEN']));
    await expect(room.update(1)).rejects.toMatchObject({ code: 'FORBIDDEN', context: { topic: 'doc' } });
    await observer.update(1);
    await until(() => expect(membersOf(observer)).toEqual(['bob 1 here 1']));
    expect(seen).toHaveLength(1);
    expect((await server.members('short')).size).toBe(0);
  });
});

describe('a request for a presence', () => {
  it('is forbidden unless authorize permits the action presence', async () => {
    const server = await open({ authorize: (_client, action) => action !== 'presence' });
    const client = await tab(server, 'ann');
    await expect(presence(client, 'doc')).rejects.toMatchObject({ code: 'FORBIDDEN', context: { topic: 'doc' } });
    await expect(presence(client, 'doc', { observe: true })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await publish(client, 'doc', 'the client goes on');
    expect(server.metrics.presences).toBe(0);
  });

  it.each([
    [
      'cannot be found',
      () => {
        throw new Error('of the application');
      },
    ],
    ['is no string', () => 5],
    ['has more than 1,024 bytes', () => 'x'.repeat(1_025)],
    ['has a lone surrogate', () => '\ud800'],
  ])('is forbidden for a user whose key %s', async (_name, userKey) => {
    const server = await open({ userKey: userKey as never });
    server.on('error', () => {});
    const client = await tab(server, 'ann');
    await expect(presence(client, 'doc')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const observer = await presence(client, 'doc', { observe: true });
    expect(observer.members.size).toBe(0);
  });

  it('counts towards the topics of a client', async () => {
    const server = await open({ topics: { maxPerClient: 2 } });
    const client = await tab(server, 'ann');
    const [one] = [await presence(client, 'a'), await presence(client, 'b')];
    await expect(presence(client, 'c')).rejects.toMatchObject({ code: 'TOO_MANY_TOPICS', context: { limit: 2 } });
    await one?.leave();
    await presence(client, 'c');
  });

  it('with an argument that makes no sense is refused at the call', async () => {
    const server = await open();
    const client = await tab(server, 'ann');
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    for (const data of [() => {}, Symbol('no'), 1n, cycle])
      await expect(presence(client, 'doc', { data })).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'data' } });
    const large = { text: 'ü'.repeat(2_048) };
    await expect(presence(client, 'doc', { data: large })).rejects.toMatchObject({ code: 'MESSAGE_TOO_BIG', context: { limit: 4_096 } });
    await expect(presence(client, 'doc', { observe: 1 as never })).rejects.toMatchObject({ context: { option: 'observe' } });
    await expect(presence(client, 'a\nb')).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'topic' } });
    await expect(server.members('')).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option: 'topic' } });
    const room = await presence(client, 'doc', { data: 'x'.repeat(4_094) });
    await expect(room.update('x'.repeat(4_095))).rejects.toMatchObject({ code: 'MESSAGE_TOO_BIG' });
    await expect(room.update(1n)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    expect(membersOf(room)[0]).toHaveLength('ann 1 here '.length + 4_096);
  });

  it('without a session is told that it needs one', async () => {
    const { client } = await pair(await open());
    await expect(presence(client, 'doc')).rejects.toMatchObject({ code: 'UNSUPPORTED', context: { feature: 'topics' } });
  });
});

describe('records that no client of ours sends', () => {
  async function hostile(options: ServerOptions = {}) {
    const server = await open(options);
    const { client, accepted } = await pair(server, { session: session() }, '/ann');
    const topics = (client as ExtensibleClient).extension('topics', (port) => new ClientTopics(client as ExtensibleClient, port));
    const closed = new Promise<number>((resolve) => accepted.on('close', ({ code }) => resolve(code)));
    const write = (...fields: (number | string)[]) => topics?.port.write(Kind.topic, encodeBody(fields));
    return { server, client, accepted, closed, write };
  }

  it.each([
    ['data that is no JSON', [JOIN, 1, 0, 'doc', '{']],
    ['no data', [JOIN, 1, 0, 'doc', '']],
    ['a member that observes twice', [JOIN, 1, 2, 'doc', '1']],
    ['a missing field', [JOIN, 1, 0]],
    ['a text that is longer than the record', [JOIN, 1, 0, 'doc', 2 ** 40]],
  ])('close the connection: %s', async (_name, fields) => {
    const { closed, write } = await hostile();
    write(...(fields as (number | string)[]));
    expect(await closed).toBe(4400);
  });

  it('close the connection: an update that is no JSON, or of an observer', async () => {
    for (const [observe, data] of [
      [0, 'nonsense'],
      [1, '1'],
    ] as const) {
      const { closed, write, server } = await hostile();
      write(JOIN, 1, observe, 'doc', ...(observe === 0 ? ['1'] : []));
      await until(() => expect(server.metrics.presences).toBe(1));
      write(UPDATE, 1, data);
      expect(await closed).toBe(4400);
    }
  });

  it('are refused if the data is larger than maxPresenceBytes, and end the presence', async () => {
    const server = await open({ topics: { maxPresenceBytes: 10 } });
    const client = await tab(server, 'ann');
    await expect(presence(client, 'doc', { data: 'x'.repeat(9) })).rejects.toMatchObject({
      code: 'MESSAGE_TOO_BIG',
      context: { topic: 'doc', limit: 10 },
    });
    const room = await presence(client, 'doc', { data: 'x'.repeat(8) });
    const seen = events(room);
    await room.update('ü'.repeat(5));
    await until(() => expect(seen).toEqual(['revoked MESSAGE_TOO_BIG']));
    await until(() => expect(server.metrics.presences).toBe(0));
  });

  it('may have data of any depth that fits, and a topic that cannot exist is refused', async () => {
    const { server, write } = await hostile();
    const deep = '['.repeat(2_048) + ']'.repeat(2_048);
    write(JOIN, 1, 0, 'doc', deep);
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    await until(() => expect(JSON.stringify(observer.members.get('ann')?.data)).toBe(deep));
    write(JOIN, 2, 0, 'a\u0000b', '1');
    write(UPDATE, 77, '1');
    await until(() => expect(server.metrics.topicRequestsRefused).toBe(1));
    expect(server.clients).toHaveLength(2);
  });

  it('flood the server with updates no faster than it uses them', async () => {
    const { server, write, client } = await hostile();
    write(JOIN, 1, 0, 'doc', '0');
    await until(() => expect(server.metrics.presenceMembers).toBe(1));
    const received = countRecords();
    const startedMs = performance.now();
    const observer = await presence(await tab(server, 'bob'), 'doc', { observe: true });
    const data = JSON.stringify('x'.repeat(4_000));
    let sent = 0;
    while (write(UPDATE, 1, data) === true && sent < 10_000) sent += 1;
    // A window of a session, and no more: the credit is held until the batch.
    expect(sent).toBeLessThan(1_000);
    await until(() => expect(observer.members.get('ann')?.data).toHaveLength(4_000));
    await until(() => expect(write(UPDATE, 1, '"last"')).toBe(true));
    await until(() => expect(observer.members.get('ann')?.data).toBe('last'));
    // One for each of the two in a batch of 50 ms, however long a busy machine takes.
    expect(received()).toBeLessThan(10 + (2 * (performance.now() - startedMs)) / 50);
    expect(client.isConnectionOpen()).toBe(true);
  });
});
