import { describe, expect, it } from 'vitest';
import { none } from './support/application.js';
import { TabsWorld, type WorldTab } from './support/tabs-world.js';
import { World } from './support/world.js';

/** Small, so that a few messages fill them. */
const session = { ackDelayMs: 25, batchDelayMs: 0, windowBytes: 900, replayBytes: 4_000 };

async function openTabs(count: number): Promise<{ shared: TabsWorld; world: World; tabs: WorldTab[] }> {
  const world = new World({ client: session });
  const shared = new TabsWorld(world, session, { reconnect: { minDelayMs: 1, maxDelayMs: 1 } });
  const tabs: WorldTab[] = [];
  for (let made = 0; made < count; made++) {
    tabs.push(shared.open({ ...none, listens: true }));
    await shared.settle();
  }
  return { shared, world, tabs };
}

/** A page that was hidden and is visible again. The server has not acknowledged three of its messages. */
async function openReturnedPage(): Promise<{ shared: TabsWorld; world: World; page: WorldTab }> {
  const { shared, world, tabs } = await openTabs(2);
  const [page] = tabs as [WorldTab];
  await shared.pass(1_000);
  world.cable.isFrozen = true;
  sendMany(page, 3);
  page.place.fire('suspended');
  await shared.settle();
  page.place.fire('woken');
  await shared.settle();
  return { shared, world, page };
}

function sendMany({ application }: WorldTab, messages: number): void {
  for (let count = 0; count < messages; count++) application.send(20, true);
}

/** What the server has read of the tab, in its order. */
function readOf(shared: TabsWorld, { application }: WorldTab): string[] {
  return shared.servers.flatMap((server) => {
    server.take();
    return server.readOf(application);
  });
}

describe('a tab that was busy so long that it was left behind', () => {
  it('has its messages of that time delivered, each once and in order', async () => {
    const { shared, tabs } = await openTabs(2);
    const [busy, other] = tabs as [WorldTab, WorldTab];
    sendMany(busy, 10);
    await shared.settle();
    busy.place.beBusy();
    sendMany(busy, 101);
    for (let count = 0; count < 20; count++) {
      shared.servers[0]?.send(100, true);
      await shared.pass(1_000);
    }
    await shared.pass(5_000);
    expect(other.application.read).toHaveLength(20);
    busy.place.beIdle();
    await shared.settle();
    await shared.pass(1_000);
    const { application } = busy;
    expect(application.receipts).toEqual([false]);
    expect(readOf(shared, busy)).toEqual(application.sent);
    expect([application.undelivered, application.end.stats.messagesSent]).toEqual([[], application.sent.length]);
  });
});

describe('a worker that dies', () => {
  it('loses no message that it had not handed on, and hands back those that the server had not acknowledged', async () => {
    const { shared, world, tabs } = await openTabs(2);
    const [one, two] = tabs as [WorldTab, WorldTab];
    const receipts: unknown[] = [];
    one.application.end.on('reconnected', (receipt) => receipts.push(receipt));
    sendMany(one, 3);
    await shared.pass(1_000);
    world.cable.isFrozen = true;
    // As much as fits in its window is handed to the session. The rest waits in the worker and in the tab.
    sendMany(one, 200);
    sendMany(two, 5);
    await shared.settle();
    shared.killWorker();
    await shared.pass(1_000);
    const { sent, undelivered, end } = one.application;
    const read = readOf(shared, one);
    expect(read.slice(0, 3)).toEqual(sent.slice(0, 3));
    expect(undelivered.length).toBeGreaterThan(0);
    // Of those that were on their way, nobody knows. Here none had arrived.
    expect([...read.slice(0, 3), ...undelivered, ...read.slice(3)]).toEqual(sent);
    expect(receipts).toEqual([
      { resumed: false, replayed: 0, lost: undefined, reason: expect.stringContaining(`${undelivered.length} messages are handed back`) },
    ]);
    expect(end.stats.messagesSent).toBe(sent.length);
  });
});

describe('a message that the server has not acknowledged', () => {
  it('is handed back in the tab that sent it, when the server has forgotten the session', async () => {
    const { shared, world, tabs } = await openTabs(2);
    await shared.pass(1_000);
    world.cable.isFrozen = true;
    for (const one of tabs) sendMany(one, 3);
    sendMany(tabs[0] as WorldTab, 2);
    await shared.settle();
    const sent = tabs.map(({ application }) => [...application.sent]);
    world.restartServer();
    await shared.pass(1_000);
    expect(tabs.map(({ application }) => application.undelivered)).toEqual(sent);
  });

  it('is handed back in another tab, when its own is gone', async () => {
    const { shared, world, tabs } = await openTabs(2);
    const [gone, stays] = tabs as [WorldTab, WorldTab];
    await shared.pass(1_000);
    world.cable.isFrozen = true;
    sendMany(gone, 3);
    await shared.settle();
    shared.crash(gone);
    await shared.pass(2_000);
    world.restartServer();
    await shared.pass(1_000);
    expect(stays.application.undelivered).toEqual(gone.application.sent);
  });

  it('is handed back by a page that was hidden, when the worker dies before it is acknowledged', async () => {
    const { shared, page } = await openReturnedPage();
    shared.killWorker();
    await shared.pass(1_000);
    expect(page.application.undelivered).toEqual(page.application.sent.slice(0, 3));
  });

  it('is not handed back by a page that was hidden, when it is acknowledged', async () => {
    const { shared, world, page } = await openReturnedPage();
    world.cable.isFrozen = false;
    await shared.pass(1_000);
    expect(page.application.end.state).toBe('open');
    shared.killWorker();
    await shared.pass(1_000);
    expect(readOf(shared, page)).toEqual(page.application.sent);
    expect(page.application.undelivered).toEqual([]);
  });

  it('is awaited by the close() of a tab while other tabs stay', async () => {
    const { shared, world, tabs } = await openTabs(3);
    const [one, two] = tabs as [WorldTab, WorldTab];
    await shared.pass(1_000);
    world.cable.isFrozen = true;
    for (const tab of [one, two]) {
      sendMany(tab, 3);
      void tab.application.end.close(4001);
    }
    await shared.pass(1_000);
    expect([one, two].map(({ application }) => application.end.state)).toEqual(['closing', 'closing']);
    world.cable.isFrozen = false;
    await shared.pass(1_000);
    expect(readOf(shared, one)).toEqual(one.application.sent);
    expect([one, two].map(({ application }) => [application.end.state, application.undelivered])).toEqual([
      ['closed', []],
      ['closed', []],
    ]);
  });

  it('is kept by the tab up to its bound; beyond it messages wait in the outbox', async () => {
    const { shared, world, tabs } = await openTabs(1);
    const [{ application }] = tabs as [WorldTab];
    await shared.pass(1_000);
    world.cable.isFrozen = true;
    for (let turn = 0; turn < 20; turn++) {
      sendMany(tabs[0] as WorldTab, 50);
      await shared.settle();
    }
    // Each counts 128 bytes more than it has: 4,000 bytes, and what a tab hands over at a time.
    expect(application.end.stats.messagesSent).toBeLessThan((4_000 + 64 * 1024) / 148 + 50);
    world.cable.isFrozen = false;
    await shared.pass(10_000);
    expect(readOf(shared, tabs[0] as WorldTab)).toEqual(application.sent);
    expect(application.end.bufferedBytes).toBe(0);
  });
});
