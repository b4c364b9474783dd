import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClientOptions, Message, WebsocketError } from '../../src/entry/node.js';
import type { Room, ServerClient, WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import type { AcceptedClient } from '../../src/server/accepted-client.js';
import { Broadcast } from '../../src/server/broadcast.js';
import * as Kind from '../../src/session/record-kind.js';
import { startProxy } from '../support/proxy.js';
import { collect, nextClient, pair, RawPeer, serve, until } from './support.js';

const kinds: [string, ClientOptions][] = [
  ['a plain client', {}],
  ['a client with a session', { session: session() }],
];

/** Clients of both kinds. */
async function bothKinds(server: WebsocketServer) {
  return [await pair(server), await pair(server, { session: session() })] as const;
}

function errorsOf(server: WebsocketServer): WebsocketError[] {
  const errors: WebsocketError[] = [];
  server.on('error', (error) => errors.push(error));
  return errors;
}

/** Every join and leave, as '+id' and '-id'. */
function changesOf(room: Room): string[] {
  const changes: string[] = [];
  room.on('join', ({ id }) => changes.push(`+${id}`));
  room.on('leave', ({ id }) => changes.push(`-${id}`));
  return changes;
}

/** A client that reads nothing, and that the server closes as soon as it has to wait for it. */
async function stalled(server: WebsocketServer): Promise<ServerClient> {
  const accepting = nextClient(server);
  const peer = await RawPeer.upgraded(server);
  peer.socket.pause();
  const client = await accepting;
  client.on('error', () => {});
  while (client.bufferedBytes === 0) client.sendMessage('x'.repeat(100_000));
  return client;
}

/** A session whose peer is disconnected until `heal` is called. */
async function away(server: WebsocketServer) {
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const reconnect = { minDelayMs: 1, maxDelayMs: 20 };
  const { client, accepted } = await pair({ ...server, port: proxy.port, on: server.on.bind(server) }, { session: session(), reconnect });
  await proxy.refuse();
  proxy.cut('reset');
  await until(() => expect(accepted.state).toBe('reconnecting'));
  return { client, accepted, heal: () => proxy.heal() };
}

describe('the members of a room', () => {
  it('are the clients that were added and not removed, in that order, each once', async () => {
    const server = await serve();
    const [one, two] = (await bothKinds(server)).map(({ accepted }) => accepted) as [ServerClient, ServerClient];
    const room = server.room('lobby');
    expect([room.name, room.size, [...room], room.has(one)]).toEqual(['lobby', 0, [], false]);
    room.add(two);
    room.add(one);
    room.add(two);
    expect([room.size, room.has(one), [...room].map(({ id }) => id)]).toEqual([2, true, [two.id, one.id]]);
    room.remove(two);
    room.remove(two);
    expect([room.size, room.has(two), [...room].map(({ id }) => id)]).toEqual([1, false, [one.id]]);
  });

  it('can be in many rooms, and leave all of them when they close', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    const rooms = Array.from({ length: 100 }, (_, index) => server.room(`room ${index}`));
    for (const room of rooms) room.add(accepted);
    expect(rooms.every((room) => room.size === 1)).toBe(true);
    await client.close();
    await until(() => expect(accepted.state).toBe('closed'));
    expect(rooms.every((room) => room.size === 0)).toBe(true);
  });

  it('of a server are its own clients: one of another server, or none at all, is an INVALID_OPTION', async () => {
    const [server, other] = [await serve(), await serve()];
    const { client, accepted } = await pair(other);
    const room = server.room('lobby');
    for (const wrong of [accepted, client, undefined, null, 7, accepted.id, {}]) {
      expect(() => room.add(wrong as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
      expect(room.has(wrong as never)).toBe(false);
      room.remove(wrong as never);
    }
    expect(room.size).toBe(0);
  });

  it.each(kinds)('do not include a client that is closing: %s', async (_kind, options) => {
    const server = await serve();
    const { accepted } = await pair(server, options);
    const room = server.room('lobby');
    room.add(accepted);
    const closed = accepted.close();
    expect([accepted.state, room.size]).toEqual(['closing', 0]);
    room.add(accepted);
    await closed;
    room.add(accepted);
    expect([accepted.state, room.size, room.has(accepted)]).toEqual(['closed', 0, false]);
  });

  it('include a session whose peer is disconnected, until the session ends', async () => {
    const server = await serve();
    const room = server.room('lobby');
    const { accepted, heal, client } = await away(server);
    room.add(accepted);
    expect([...room]).toEqual([accepted]);
    await heal();
    await until(() => expect(accepted.state).toBe('open'));
    expect(room.has(accepted)).toBe(true);
    await client.close();
    await until(() => expect(room.size).toBe(0));
  });

  it('do not include a session that was not resumed in time', async () => {
    const server = await serve({ session: { resumeWindowMs: 50 } });
    const room = server.room('lobby');
    server.on('connection', (client) => room.add(client));
    const { heal } = await away(server);
    await until(() => expect(room.size).toBe(0));
    await heal();
  });

  it('may change during an iteration, which gives the members at its start', async () => {
    const server = await serve();
    const peers = [await pair(server), await pair(server), await pair(server)];
    const [one, two, three] = peers.map(({ accepted }) => accepted) as [ServerClient, ServerClient, ServerClient];
    const room = server.room('lobby');
    room.add(one);
    room.add(two);
    const seen: ServerClient[] = [];
    for (const member of room) {
      seen.push(member);
      room.remove(two);
      room.add(three);
    }
    expect(seen).toEqual([one, two]);
    expect([...room]).toEqual([one, three]);
    for (const member of room) void member.close();
    expect(room.size).toBe(0);
  });
});

describe("the events 'join' and 'leave' of a room", () => {
  it('come once for each change of its members', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    const room = server.room('lobby');
    const changes = changesOf(room);
    const { id } = accepted;
    room.add(accepted);
    room.add(accepted);
    expect(changes).toEqual([`+${id}`]);
    room.remove(accepted);
    room.remove(accepted);
    room.add(accepted);
    expect(changes).toEqual([`+${id}`, `-${id}`, `+${id}`]);
    await client.close();
    await until(() => expect(changes).toEqual([`+${id}`, `-${id}`, `+${id}`, `-${id}`]));
  });

  it('do not come for a disconnect of a session', async () => {
    const server = await serve();
    const room = server.room('lobby');
    const changes = changesOf(room);
    server.on('connection', (client) => room.add(client));
    const { accepted, heal } = await away(server);
    await heal();
    await until(() => expect(accepted.state).toBe('open'));
    expect(changes).toEqual([`+${accepted.id}`]);
  });

  it('end with the function that `on` returned', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    const room = server.room('lobby');
    const joined: string[] = [];
    const off = room.on('join', ({ id }) => joined.push(id));
    off();
    off();
    room.add(accepted);
    expect(joined).toEqual([]);
  });

  it('report a listener that throws as an error event of the server; the other listeners are called', async () => {
    const server = await serve();
    const errors = errorsOf(server);
    const { accepted } = await pair(server);
    const room = server.room('lobby');
    const cause = new Error('of a listener');
    const fail = () => {
      throw cause;
    };
    room.on('join', fail);
    room.on('leave', fail);
    const changes = changesOf(room);
    room.add(accepted);
    room.remove(accepted);
    expect(changes).toHaveLength(2);
    expect(errors).toMatchObject([
      { code: 'HANDLER_FAILED', context: { handler: 'join' }, cause },
      { code: 'HANDLER_FAILED', context: { handler: 'leave' }, cause },
    ]);
  });

  it('take no other names, and no listener that is no function', async () => {
    const server = await serve();
    const room = server.room('lobby');
    for (const call of [() => room.on('message' as 'join', () => {}), () => room.on('join', 'function' as never)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    }
  });

  it('may add, remove and close any client', async () => {
    const server = await serve();
    const peers = [await pair(server), await pair(server), await pair(server)];
    const [one, two, three] = peers.map(({ accepted }) => accepted) as [ServerClient, ServerClient, ServerClient];
    const [room, other] = [server.room('lobby'), server.room('other')];
    room.on('join', (client) => {
      other.add(client);
      if (client === two) room.remove(one);
    });
    room.on('leave', (client) => {
      room.add(client);
      other.remove(client);
      if (client === one) void three.close();
    });
    for (const client of [one, three, two]) room.add(client);
    // `one` was removed and added again, and `three` was closed when it left.
    expect([[...room], [...other]]).toEqual([[two, one], [two]]);
    await until(() => expect(three.state).toBe('closed'));
    expect(room.has(three)).toBe(false);
  });
});

describe('the name of a room', () => {
  it.each([
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['an empty one', ''],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['NUL', 'a\0b'],
    ['a lone surrogate', '\ud800'],
  ])('may be any string: %s', async (_what, name) => {
    const server = await serve();
    const { accepted, client } = await pair(server);
    const received = collect(client);
    server.room(name).add(accepted);
    expect(server.room(name)).toMatchObject({ name, size: 1 });
    expect(server.room(`${name}2`).size).toBe(0);
    server.room(name).sendMessage('hello');
    await until(() => expect(received).toEqual(['hello']));
  });

  it.each([undefined, null, 7, {}, Symbol('room'), ['lobby']])('is a string, and nothing else: %s', async (name) => {
    const server = await serve();
    expect(() => server.room(name as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', context: expect.anything() }));
  });

  it('has one object as long as the room has members', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    const room = server.room('lobby');
    room.add(accepted);
    expect(server.room('lobby')).toBe(room);
    const off = room.on('leave', () => {});
    room.remove(accepted);
    expect(server.room('lobby')).toBe(room);
    off();
    expect(server.room('lobby').size).toBe(0);
  });

  it('stands for one room, whichever of its objects is used', async () => {
    const server = await serve();
    const [one, two] = (await bothKinds(server)).map(({ accepted }) => accepted) as [ServerClient, ServerClient];
    const old = server.room('lobby');
    old.add(one);
    const off = old.on('join', () => {});
    old.remove(one);
    off();
    // The room has neither members nor listeners, so that another object may take the name.
    const present = server.room('lobby');
    present.add(two);
    old.add(one);
    for (const room of [old, present, server.room('lobby')]) expect([...room]).toEqual([two, one]);
    expect(server.room('lobby')).toBe(present);
    const changes = changesOf(old);
    off();
    present.remove(one);
    old.remove(two);
    expect(changes).toEqual([`-${one.id}`, `-${two.id}`]);
    expect([old.size, present.size]).toEqual([0, 0]);
  });

  it('is free again once the room is empty, and an object of it that the application kept takes it again', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    const [old, other] = [server.room('lobby'), server.room('lobby')];
    old.add(accepted);
    old.remove(accepted);
    other.add(accepted);
    other.remove(accepted);
    old.add(accepted);
    expect(server.room('lobby')).toBe(old);
    expect([other.size, other.has(accepted)]).toEqual([1, true]);
  });

  it('costs no memory without members and listeners, however many come from the network', async () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const server = await serve();
    const { accepted } = await pair(server);
    const heap = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const use = (index: number) => {
      const room = server.room(`a name of some length, and its number ${index}`);
      room.sendMessage('nobody is here');
      if (index % 10 > 0) return;
      room.add(accepted);
      room.on('join', () => {})();
      room.remove(accepted);
    };
    for (let index = 0; index < 1_000; index++) use(index);
    const before = heap();
    for (let index = 0; index < 1_000_000; index++) use(index);
    // A name and an object of each would take over 100 MB.
    expect(heap() - before).toBeLessThan(2_000_000);
  });
});

describe('a message to a room', () => {
  it('reaches its members as an ordinary message, text and bytes, and no other client', async () => {
    const server = await serve();
    const members = await bothKinds(server);
    const others = await bothKinds(server);
    const received = [...members, ...others].map(({ client }) => collect(client));
    const room = server.room('lobby');
    for (const { accepted } of members) room.add(accepted);
    const bytes = Uint8Array.of(1, 2, 3);
    room.sendMessage('ünïcode');
    room.sendMessageBinary(bytes);
    bytes.fill(0);
    room.sendMessageBinary(Uint8Array.of(7, 8).subarray(1));
    room.sendMessage('', 'reliable', {});
    const expected = ['ünïcode', Uint8Array.of(1, 2, 3), Uint8Array.of(8), ''];
    await until(() => expect(received).toEqual([expected, expected, [], []]));
  });

  it('keeps its place among the messages to one client and to all clients', async () => {
    const server = await serve();
    const peers = await bothKinds(server);
    const received = peers.map(({ client }) => collect(client));
    const room = server.room('lobby');
    for (const { accepted } of peers) room.add(accepted);
    const expected: string[] = [];
    const say = (send: (text: string) => void) => {
      expected.push(`message ${expected.length} ${'x'.repeat(expected.length % 7 === 0 ? 20_000 : 0)}`);
      send(expected.at(-1) as string);
    };
    for (let round = 0; round < 30; round++) {
      say((text) => room.sendMessage(text, round % 3 === 0 ? { latest: `key ${round}` } : 'reliable'));
      say((text) => server.broadcast(text));
      say((text) => {
        for (const { accepted } of peers) accepted.sendMessage(text);
      });
      if (round % 8 === 0) await new Promise(setImmediate);
    }
    await until(() => expect(received).toEqual([expected, expected]));
  });

  it('leaves out the member that is excepted', async () => {
    const server = await serve();
    const peers = await bothKinds(server);
    const received = peers.map(({ client }) => collect(client));
    const room = server.room('lobby');
    for (const { accepted } of peers) room.add(accepted);
    room.sendMessage('not to the first', 'reliable', { except: peers[0].accepted });
    room.sendMessageBinary(Uint8Array.of(2), 'reliable', { except: peers[1].accepted, local: true });
    room.sendMessage('to both', 'reliable', { except: undefined, local: false });
    await until(() =>
      expect(received).toEqual([
        [Uint8Array.of(2), 'to both'],
        ['not to the first', 'to both'],
      ]),
    );
  });

  it('waits for a member whose peer is disconnected: reliable all, latest the newest of its key, volatile none', async () => {
    const server = await serve();
    const room = server.room('lobby');
    const { client, accepted, heal } = await away(server);
    room.add(accepted);
    const received = collect(client);
    for (let tick = 1; tick <= 3; tick++) {
      room.sendMessage(`state ${tick}`, { latest: 'state' });
      room.sendMessageBinary(Uint8Array.of(tick), { latest: 'bytes' });
      room.sendMessage(`position ${tick}`, 'volatile');
      room.sendMessage(`chat ${tick}`);
    }
    await heal();
    await until(() => expect(received).toEqual(['state 3', Uint8Array.of(3), 'chat 1', 'chat 2', 'chat 3']));
    // Two of each key were replaced, and three volatile messages were dropped.
    expect(accepted.stats.messagesShed).toBe(7);
  });

  it('that is volatile or latest reaches the members that keep up', async () => {
    const server = await serve();
    const peers = await bothKinds(server);
    const received = peers.map(({ client }) => collect(client));
    const room = server.room('lobby');
    for (const { accepted } of peers) room.add(accepted);
    const expected: Message[] = [];
    for (let tick = 0; tick < 5; tick++) {
      room.sendMessage(`volatile ${tick}`, 'volatile');
      room.sendMessageBinary(Uint8Array.of(tick), 'volatile');
      room.sendMessage(`latest ${tick}`, { latest: 'state' });
      expected.push(`volatile ${tick}`, Uint8Array.of(tick), `latest ${tick}`);
      await until(() => expect(received).toEqual([expected, expected]));
    }
  });

  it('closes a member that reads too slowly with 1013, and reaches the others', async () => {
    const server = await serve({ maxBufferedBytes: 1 });
    const slow = await stalled(server);
    const room = server.room('lobby');
    const changes = changesOf(room);
    const peers = [await pair(server), await pair(server)];
    const received = peers.map(({ client }) => collect(client));
    for (const client of [slow, ...peers.map(({ accepted }) => accepted)]) room.add(client);
    room.sendMessage('tick');
    expect([slow.state, room.has(slow), changes.at(-1)]).toEqual(['closed', false, `-${slow.id}`]);
    await until(() => expect(received).toEqual([['tick'], ['tick']]));
    expect(server.metrics.closedTooSlow).toBe(1);
  });

  it('reaches each member at its call once, whatever a listener does in the middle of it', async () => {
    const server = await serve({ maxBufferedBytes: 1 });
    const slow = await stalled(server);
    const peers = [await pair(server), await pair(server)];
    const received = peers.map(({ client }) => collect(client));
    const [one, two] = peers.map(({ accepted }) => accepted) as [ServerClient, ServerClient];
    const room = server.room('lobby');
    room.on('leave', (client) => {
      if (client !== slow) return;
      room.remove(one);
      room.add(one);
      room.sendMessage('inner');
    });
    for (const client of [slow, one, two]) room.add(client);
    room.sendMessage('outer');
    await until(() =>
      expect(received).toEqual([
        ['inner', 'outer'],
        ['inner', 'outer'],
      ]),
    );
  });

  it('throws INVALID_MESSAGE for a value that is no message, and INVALID_OPTION for one that is no delivery or option, even in an empty room', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    for (const room of [server.room('empty'), server.room('lobby')]) {
      if (room.name === 'lobby') room.add(accepted);
      expect(() => room.sendMessage(Uint8Array.of(1) as never)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
      expect(() => room.sendMessageBinary('text' as never)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
      for (const delivery of ['fast', null, { latest: 7 }, { newest: 'state' }]) {
        expect(() => room.sendMessage('text', delivery as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
      }
      for (const options of [7, null, { excpt: accepted }, { except: accepted.id }, { except: null }, { local: 'yes' }]) {
        expect(() => room.sendMessage('text', 'reliable', options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
      }
    }
  });
});

describe('broadcast', () => {
  it('takes a delivery and the client to leave out', async () => {
    const server = await serve();
    const peers = await bothKinds(server);
    const received = peers.map(({ client }) => collect(client));
    server.broadcast('volatile', 'volatile', { except: peers[0].accepted });
    server.broadcast(Uint8Array.of(1), { latest: 'state' });
    await until(() => expect(received).toEqual([[Uint8Array.of(1)], ['volatile', Uint8Array.of(1)]]));
    for (const options of [{ local: true }, { except: 'id' }]) {
      expect(() => server.broadcast('text', 'reliable', options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    }
    expect(() => server.broadcast('text', 'fast' as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  it('keeps only the newest message of a key for a session whose peer is disconnected', async () => {
    const server = await serve();
    const { client, heal } = await away(server);
    const received = collect(client);
    for (let tick = 1; tick <= 3; tick++) server.broadcast(`state ${tick}`, { latest: 'state' });
    await heal();
    await until(() => expect(received).toEqual(['state 3']));
  });

  it.each([
    ['reliable', 'text', Kind.text],
    ['reliable', Uint8Array.of(1), Kind.binary],
    ['volatile', 'text', Kind.volatileText],
    ['volatile', Uint8Array.of(1), Kind.volatileBinary],
    [{ latest: 'state' }, 'text', Kind.text],
  ] as const)('encodes a message once for all clients: %o', (delivery, message, kind) => {
    const broadcast = new Broadcast();
    const encoded = new Set<unknown>();
    const client = {
      takesMessages: true,
      sendShared(given: string | Uint8Array<ArrayBuffer>) {
        encoded.add(broadcast.recordOf(given, delivery === 'volatile'));
        encoded.add(broadcast.frameOf(given));
      },
    } as unknown as AcceptedClient;
    broadcast.send([client, client, client], message, delivery, undefined);
    expect([...encoded]).toMatchObject([{ kind }, { slab: expect.anything() }]);
  });
});
