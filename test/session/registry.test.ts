import { describe, expect, it } from 'vitest';
import type { CloseInfo, Continuity, Message } from '../../src/core/types.js';
import { encodeControl, Outcome } from '../../src/session/controls.js';
import type { SessionOwner } from '../../src/session/eviction.js';
import { type Evictable, type RegistryBounds, SessionRegistry } from '../../src/session/registry.js';
import type { CableEnd } from './support/cable.js';
import { FakeClock } from './support/fake-clock.js';
import { countingSecrets, readAll, registryDefaults, World } from './support/world.js';

/** What a session takes without any message, and a text that waits beside its bytes. */
const ALONE_BYTES = 16_384;
const TEXT_COST = 64;

function receiptsOf(world: World): Continuity[] {
  const receipts: Continuity[] = [];
  world.client.on('reconnected', (continuity) => receipts.push(continuity));
  return receipts;
}

/** Cuts the client off and lets no attempt through until `ms` have passed. */
function keepAway(world: World, ms: number): void {
  world.isRefusing = true;
  world.cut();
  world.pass(ms);
  world.isRefusing = false;
  world.pass(30_000);
}

describe("a server's sessions", () => {
  it('wait out the resume window, and are closed after it', () => {
    const world = new World().open();
    const closes: CloseInfo[] = [];
    world.serverClient.on('close', (info) => closes.push(info));
    world.isRefusing = true;
    world.cut();
    world.pass(119_000);
    expect([world.serverClient.state, world.registry.metrics.detached]).toEqual(['reconnecting', 1]);
    world.pass(2_000);
    expect([world.serverClient.state, world.registry.metrics.detached]).toEqual(['closed', 0]);
    expect(closes).toEqual([{ code: 1006, reason: 'Not resumed within 120000 ms.', wasClean: false }]);
  });

  it('leave a tombstone when the resume window is over: the report counts the losses of both sides', () => {
    const world = new World().open();
    const receipts = receiptsOf(world);
    const undelivered: Message[] = [];
    world.client.on('undelivered', (messages) => undelivered.push(...messages));
    world.client.sendMessage('up');
    world.serverClient.sendMessage('down 1');
    world.serverClient.sendMessage('down 2');
    world.endTurn();
    keepAway(world, 121_000);
    expect(receipts).toEqual([{ resumed: false, replayed: 0, lost: 3, lostFromPeer: 2, reason: expect.stringContaining('window') }]);
    expect(undelivered).toEqual(['up']);
    expect(world.client.state).toBe('open');
    expect(world.serverClients).toHaveLength(2);
  });

  it('report unacknowledged messages to the application of the server, too', () => {
    const world = new World().open();
    const undelivered: Message[] = [];
    world.serverClient.on('undelivered', (messages) => undelivered.push(...messages));
    world.serverClient.sendMessage('sent');
    world.endTurn();
    world.isRefusing = true;
    world.cut();
    world.serverClient.sendMessage('never sent');
    world.pass(121_000);
    expect(undelivered).toEqual(['sent', 'never sent']);
  });

  it('are evicted over the bound of their number, the oldest first', () => {
    const world = new World({ registry: { maxDetached: 0 } }).open();
    const receipts = receiptsOf(world);
    world.cut();
    world.pass(1_000);
    expect(world.registry.metrics.evicted).toBe(1);
    expect(receipts).toMatchObject([{ resumed: false, lost: 0, reason: expect.stringContaining('make room') }]);
  });

  it('are evicted over the bound of their bytes, also when they grow while detached', () => {
    const world = new World({ registry: { maxDetachedBytes: ALONE_BYTES + 50_000 } }).open();
    world.isRefusing = true;
    world.cut();
    world.serverClient.sendMessage('x'.repeat(40_000));
    world.pass(2_000);
    expect(world.registry.metrics).toMatchObject({ detached: 1, detachedBytes: ALONE_BYTES + TEXT_COST + 40_000, evicted: 0 });
    world.serverClient.sendMessage('x'.repeat(40_000));
    world.pass(2_000);
    expect(world.registry.metrics).toMatchObject({ detached: 0, detachedBytes: 0, evicted: 1 });
    expect(world.serverClient.state).toBe('closed');
  });

  it('count the unread messages of a detached session', () => {
    const world = new World({ registry: { maxDetachedBytes: ALONE_BYTES + 30_000 } }).open();
    world.client.sendMessage('x'.repeat(40_000));
    world.settle();
    world.isRefusing = true;
    world.cut();
    world.settle();
    expect(world.registry.metrics).toMatchObject({ detached: 0, evicted: 1 });
  });

  it('count the resumed ones', () => {
    const world = new World().open();
    world.cut();
    world.pass(1_000);
    expect(world.registry.metrics).toMatchObject({ detached: 0, resumed: 1 });
  });

  it('are taken over by a new socket before the old one is known to be dead, and the old one is closed with 4409', () => {
    const world = new World().open();
    const old = world.cable;
    old.client.lose();
    world.serverClient.sendMessage('while nobody knew');
    world.pass(1_000);
    expect(old.server.closedWith).toEqual({ code: 4409, reason: 'taken over' });
    expect(readAll(world.client)).toEqual(['while nobody knew']);
    expect(world.serverClients).toHaveLength(1);
  });

  it('evict no other session when they are taken over: their client was never disconnected', () => {
    const world = new World({ registry: { maxDetached: 1 } }).open();
    const other = world.knock();
    const hello = encodeControl({ is: 'hello', initialCredit: 1_000, maxMessageBytes: 16_384, protocols: [] });
    other.events?.received(hello, hello.length);
    other.lose();
    world.cables[0]?.client.lose();
    world.pass(1_000);
    expect(world.cables[0]?.server.closedWith).toMatchObject({ code: 4409 });
    expect(world.client.state).toBe('open');
    expect(world.registry.metrics).toMatchObject({ detached: 1, evicted: 0, resumed: 1 });
  });

  it('are not resumed by another user, for whom they are unknown', () => {
    const world = new World({ mayResume: () => false }).open();
    const receipts = receiptsOf(world);
    world.cut();
    world.pass(1_000);
    expect(receipts).toMatchObject([{ resumed: false, reason: expect.stringContaining('does not know') }]);
    expect(world.serverClients[0]?.state).toBe('reconnecting');
  });

  it('are over when the client has ended them', () => {
    const world = new World().open();
    void world.client.close(1001, 'bye');
    world.settle();
    expect(world.serverClient.state).toBe('closed');
    expect(world.registry.metrics.detached).toBe(0);
  });
});

/** A registry by itself, and sessions in it that are there until they leave or are evicted. */
function crowd(bounds: Partial<RegistryBounds>) {
  const clock = new FakeClock();
  const registry = new SessionRegistry<Evictable>(countingSecrets(), clock, { ...registryDefaults, ...bounds });
  const evicted: string[] = [];
  const enter = (name: string, owner: SessionOwner = {}, hasCarried = true) => {
    const credentials = registry.newCredentials();
    const evict = () => {
      evicted.push(name);
      registry.remove(credentials, { outcome: Outcome.evicted, lost: 0 });
    };
    registry.add(credentials, { heldBytes: 1, hasCarried, owner, evict });
    return { leaves: () => registry.detached(credentials), returns: () => registry.attached(credentials) };
  };
  return { clock, registry, evicted, enter };
}

describe('the session that is evicted', () => {
  it('is one that never carried a message, however long its client was there, before any that did', () => {
    const { clock, evicted, enter } = crowd({ maxDetached: 2 });
    const sessions = [enter('used'), enter('unused', {}, false), enter('also used')];
    clock.pass(60_000, () => {});
    for (const one of sessions) one.leaves();
    expect(evicted).toEqual(['unused']);
  });

  it('is one that was seconds old when its client left, before any that was older', () => {
    const { clock, evicted, enter } = crowd({ maxDetached: 100 });
    const honest = enter('honest');
    clock.pass(10_000, () => {});
    honest.leaves();
    for (let n = 0; n < 1_000; n++) enter('stranger').leaves();
    expect(evicted).toHaveLength(901);
    expect(evicted).not.toContain('honest');
  });

  it('is the one that left first, where all were used', () => {
    const { clock, evicted, enter } = crowd({ maxDetached: 2 });
    const sessions = ['first', 'second', 'third'].map((name) => enter(name));
    clock.pass(10_000, () => {});
    for (const one of sessions) one.leaves();
    expect(evicted).toEqual(['first']);
  });

  it.each([
    ['address', 'maxDetachedPerAddress', 'evictedPerAddress'],
    ['user', 'maxDetachedPerUser', 'evictedPerUser'],
  ] as const)('is one of the same %s, where that has too many, and is counted', (kind, bound, counter) => {
    const { clock, registry, evicted, enter } = crowd({ [bound]: 2 });
    const sessions = [enter('other', { [kind]: 'b' }), ...[1, 2, 3].map((n) => enter(`same ${n}`, { [kind]: 'a' })), enter('nobody')];
    clock.pass(10_000, () => {});
    for (const one of sessions) one.leaves();
    expect(evicted).toEqual(['same 1']);
    expect(registry.metrics).toMatchObject({ detached: 4, evicted: 1, [counter]: 1 });
  });

  it('is none if the clients of one address resume in time', () => {
    const { evicted, enter } = crowd({ maxDetachedPerAddress: 1 });
    for (let n = 0; n < 3; n++) {
      const one = enter('same', { address: 'a' });
      one.leaves();
      one.returns();
    }
    expect(evicted).toEqual([]);
  });
});

describe('the acceptor', () => {
  it('closes a transport with 4504 that sends nothing', () => {
    const world = new World();
    const end = world.knock();
    world.pass(10_000);
    expect(end.closedWith).toEqual({ code: 4504, reason: 'no handshake in time' });
  });

  it.each([
    ['no handshake', Uint8Array.of(0x11, 0x61)],
    ['an answer', encodeControl({ is: 'resumed', received: 0, messagesSent: 0 })],
    ['rubbish', Uint8Array.of(0xff)],
  ])('closes a wire with 4400 that begins with %s', (_what, batch) => {
    const world = new World();
    const end: CableEnd = world.knock();
    end.events?.received(batch, batch.length);
    expect(end.closedWith).toMatchObject({ code: 4400 });
    expect(world.serverClients).toHaveLength(0);
  });

  it('forgets a transport that is lost before it sends anything', () => {
    const world = new World();
    world.knock().lose();
    world.pass(20_000);
    expect(world.serverClients).toHaveLength(0);
  });
});
