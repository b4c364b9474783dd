import { expect, type Page, test } from '@playwright/test';
import { until } from '../test/support/until.js';
import { logOf, peerOf, type Setting, sendFrom, set, stateOf, statsOf } from './session/setting.js';
import { numberOf, send } from './session/talk.js';
import { beBusy, HASTY, join, joinIn, keepSending, type Tab } from './shared/tabs.js';

// Several tabs of one site, which share their sockets.

/** Its page to crash a tab, its page cache, and its way to end a page; docs/guides/shared.md says what is known of the others. */
const CHROMIUM = { tag: '@chromium' };

const heard = async (page: Page) => (await logOf(page)).heard;

const closeIn = (page: Page, code: number) =>
  page.evaluate((closeCode) => (globalThis as unknown as Tab).client.close(closeCode, 'bye'), code);

for (const hasSession of [false, true]) {
  test.describe(hasSession ? 'tabs with a session' : 'tabs without a session', () => {
    test('three have one connection: all hear all of it, and each is heard', async ({ context }) => {
      await using setting = await set();
      const tabs = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
      tabs.push(await join(context, setting, { hasSession }));
      const peer = peerOf(setting);
      send(peer.client, 0, 500);
      for (const tab of tabs) await until(async () => (await heard(tab)) === 500, 'the tab has heard all');
      for (const tab of tabs) expect(await logOf(tab)).toMatchObject({ wrong: [], events: [] });
      const [first, second, third] = tabs as [Page, Page, Page];
      await sendFrom(first, 0, 100);
      await until(() => peer.log.heard === 100, 'the server has heard the first');
      await sendFrom(second, 100, 200);
      await until(() => peer.log.heard === 200, 'the server has heard the second');
      await sendFrom(third, 200, 300);
      await until(() => peer.log.heard === 300, 'the server has heard the third');
      expect(peer.log.wrong).toEqual([]);
      expect(setting.server.metrics).toMatchObject({ connectionsTotal: 1, clients: 1 });
    });

    test('a tab that closes its client, or is closed, ends its own and nobody else', async ({ context, browserName }) => {
      await using setting = await set();
      const stays = await join(context, setting, { hasSession });
      const [closes, goes] = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
      const peer = peerOf(setting);
      expect(await closeIn(closes, 4001)).toEqual({ code: 4001, reason: 'bye', wasClean: true });
      await goes.close({ runBeforeUnload: true });
      send(peer.client, 0, 10);
      await until(async () => (await heard(stays)) === 10, 'the tab that stays hears on');
      expect(await heard(closes)).toBe(0);
      expect(await logOf(stays)).toMatchObject({ wrong: [], events: [] });
      // The last one closes the connection, with its own code.
      expect(await closeIn(stays, 4002)).toEqual({ code: 4002, reason: 'bye', wasClean: true });
      await until(() => peer.client.state === 'closed', 'the server sees the end');
      // In Firefox what a closing tab says last does not arrive. The worker notices it a second later, and then it is the last one.
      const last = browserName === 'firefox' ? expect.stringMatching(/^close (4002|4001|1001)$/) : 'close 4002';
      expect(peer.log.events).toEqual([last]);
    });

    test('a tab that crashes is noticed: the others go on, and the last one ends the connection', CHROMIUM, async ({ context }) => {
      await using setting = await set();
      // In Chromium the worker lives in the process of the tab that started it.
      const [first, crashes] = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
      const peer = peerOf(setting);
      await crash(crashes);
      send(peer.client, 0, 10);
      await until(async () => (await heard(first)) === 10, 'the other tab hears on');
      expect(await logOf(first)).toMatchObject({ wrong: [], events: [] });
      expect(peer.client.state).toBe('open');
      await crash(first);
      await until(() => !peer.client.isConnectionOpen(), 'the server sees the end');
    });

    test('a worker that dies is noticed, and the tabs that live have another', CHROMIUM, async ({ context }) => {
      await using setting = await set();
      const [first, ...others] = [
        await join(context, setting, { hasSession }),
        await join(context, setting, { hasSession }),
        await join(context, setting, { hasSession }),
      ] as [Page, Page, Page];
      await crash(first);
      for (const tab of others) await until(async () => (await logOf(tab)).receipts.length === 1, 'the tab is back');
      expect(setting.accepted).toHaveLength(2);
      const [, peer] = setting.accepted as [unknown, Setting['accepted'][0]];
      send(peer.client, 0, 10);
      for (const tab of others) await until(async () => (await heard(tab)) === 10, 'the tab hears on');
      for (const tab of others) expect(await logOf(tab)).toMatchObject({ receipts: [{ resumed: false, lost: undefined }] });
    });

    test(
      'a worker that dies loses no message that it had not sent: each arrives once, or is handed back',
      CHROMIUM,
      async ({ context }) => {
        await using setting = await set();
        const heardFrom: number[][] = [];
        setting.server.on('connection', (client) => {
          const numbers: number[] = [];
          heardFrom.push(numbers);
          client.on('message', (message) => numbers.push(numberOf(message)));
        });
        const total = () => heardFrom.reduce((sum, { length }) => sum + length, 0);
        const [first, survivor] = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
        const stop = await keepSending(survivor);
        await until(() => total() > 1_000, 'the survivor is heard');
        await crash(first);
        await until(async () => (await logOf(survivor)).receipts.length === 1, 'the survivor is back');
        await until(() => (heardFrom[1]?.length ?? 0) > 1_000, 'the survivor is heard again');
        const sent = await stop();
        await until(() => heardFrom[1]?.at(-1) === sent - 1, 'the last message is here');
        // The network may deliver the end of one connection after the beginning of the next.
        await until(() => setting.accepted[0]?.client.state !== 'open', 'the connection of the dead worker is read to its end');
        expect(heardFrom).toHaveLength(2);
        const arrived = heardFrom.flat();
        // Once and in order.
        expect(arrived.filter((number, index) => index > 0 && number <= (arrived[index - 1] as number))).toEqual([]);
        const { undelivered, receipts } = await logOf(survivor);
        const known = new Set([...arrived, ...undelivered]);
        const missing = Array.from({ length: sent }, (_, number) => number).filter((number) => !known.has(number));
        // Of a plain WebSocket nobody knows what of the last that was handed to it arrived.
        if (hasSession) expect(missing).toEqual([]);
        else expect(missing).toEqual(missing.map((_, index) => (missing[0] as number) + index));
        expect(receipts).toMatchObject([{ resumed: false, lost: undefined }]);
      },
    );

    test('a break is one for all tabs, and all are back', async ({ context }) => {
      await using setting = await set();
      const tabs = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
      const peer = peerOf(setting);
      send(peer.client, 0, 100);
      setting.proxy.cut('reset');
      if (hasSession) send(peer.client, 100, 200);
      for (const tab of tabs) await until(async () => (await logOf(tab)).receipts.length === 1, 'the tab is back');
      const logs = await Promise.all(tabs.map(logOf));
      const receipt = hasSession ? { resumed: true, lost: 0 } : { resumed: false };
      for (const log of logs) expect(log).toMatchObject({ events: ['reconnecting', 'reconnected'], receipts: [receipt] });
      expect(setting.proxy.accepted).toBe(2);
      if (!hasSession) return;
      for (const tab of tabs) await until(async () => (await heard(tab)) === 200, 'the tab has heard all');
      for (const tab of tabs) expect(await logOf(tab)).toMatchObject({ wrong: [] });
      expect(setting.accepted).toHaveLength(1);
    });

    test('what a tab sends as it is closed arrives while another is there', CHROMIUM, async ({ context }) => {
      await using setting = await set();
      await join(context, setting, { hasSession });
      const goes = await context.newPage();
      // Before the client's own listener, after which what is sent waits for the page to come back.
      await goes.addInitScript(() => {
        addEventListener('pagehide', () => {
          const { client, send: sendIn } = globalThis as unknown as Tab;
          sendIn?.(client, 0, 100);
        });
      });
      await goes.goto(setting.origin);
      await joinIn(goes, setting, { hasSession });
      const peer = peerOf(setting);
      await goes.close({ runBeforeUnload: true });
      await until(() => peer.log.heard === 100, 'the server has heard all');
      expect(peer.log.wrong).toEqual([]);
    });

    test('a tab that hangs does not stop the others, and hears all when it is back', async ({ context }) => {
      await using setting = await set();
      const [hangs, other] = [await join(context, setting, { hasSession }), await join(context, setting, { hasSession })];
      const peer = peerOf(setting);
      const hanging = hangs.evaluate(() => {
        const end = performance.now() + 2_000;
        while (performance.now() < end);
      });
      send(peer.client, 0, 500);
      await until(async () => (await heard(other)) === 500, 'the other tab has heard all');
      await hanging;
      await until(async () => (await heard(hangs)) === 500, 'so has the one that hung');
      for (const tab of [hangs, other]) expect(await logOf(tab)).toMatchObject({ wrong: [], events: [] });
    });

    test('a tab that reads nothing is ended alone', async ({ context }) => {
      await using setting = await set({ maxBufferedBytes: 64 * 1024 * 1024 });
      const other = await join(context, setting, { ...HASTY, hasSession });
      const sleeps = await join(context, setting, { ...HASTY, hasSession, isPolled: true, inbox: { maxMessages: 100 } });
      const peer = peerOf(setting);
      const big = 'x'.repeat(40_000);
      for (let count = 0; count < 200; count++) peer.client.sendMessage(big);
      await until(async () => (await heard(other)) === 200, 'the other tab has heard all');
      await expect.poll(() => sleeps.evaluate(() => Reflect.get(globalThis, 'closeCode'))).toBe(4408);
      expect([await stateOf(other), peer.client.state]).toEqual(['open', 'open']);
    });

    test('a page that is restored from the page cache joins again', CHROMIUM, async ({ context }) => {
      await using setting = await set();
      const stays = await join(context, setting, { hasSession });
      const page = await join(context, setting, { hasSession });
      const peer = peerOf(setting);
      await page.goto(`${setting.origin}/elsewhere`);
      send(peer.client, 0, 7);
      await until(async () => (await heard(stays)) === 7, 'the other tab has heard');
      await page.goBack({ waitUntil: 'commit' });
      await until(async () => (await logOf(page)).receipts.length === 1, 'the page is back');
      expect(await logOf(page)).toMatchObject({ receipts: [{ resumed: false, lost: 7 }], events: ['reconnecting', 'reconnected'] });
      expect(setting.accepted).toHaveLength(1);
    });
  });
}

test('a tab that was busy for longer than others wait is left behind, and all that it sent arrives', async ({ context }) => {
  await using setting = await set();
  const options = { ...HASTY, hasSession: true, windowBytes: 32 * 1024 };
  const [busy, other] = [await join(context, setting, options), await join(context, setting, options)];
  const peer = peerOf(setting);
  const finish = await beBusy(busy, 101);
  send(peer.client, 0, 500);
  await until(async () => (await heard(other)) === 500, 'the other tab has heard all');
  await finish();
  await until(() => peer.log.heard === 101, 'the server has heard all');
  await until(async () => (await logOf(busy)).receipts.length === 1, 'the tab is back');
  expect(peer.log.wrong).toEqual([]);
  expect(await logOf(busy)).toMatchObject({ undelivered: [], receipts: [{ resumed: false, lost: 500 - (await heard(busy)) }] });
  expect(await statsOf(busy)).toMatchObject({ messagesSent: 101 });
});

test('close() while the session is disconnected sends the accepted messages, and then its end', async ({ context }) => {
  await using setting = await set();
  const tab = await join(context, setting, { hasSession: true });
  const peer = peerOf(setting);
  await setting.proxy.refuse();
  setting.proxy.cut('reset');
  await until(async () => (await stateOf(tab)) === 'reconnecting', 'the tab knows of the break');
  await sendFrom(tab, 0, 10);
  const closing = closeIn(tab, 4001);
  await setting.proxy.heal();
  expect(await closing).toEqual({ code: 4001, reason: 'bye', wasClean: true });
  await until(() => peer.client.state === 'closed', 'the server sees the end');
  expect(peer.log).toMatchObject({ heard: 10, wrong: [] });
});

test('tabs with other options, or another name, have connections of their own', async ({ context }) => {
  await using setting = await set();
  await join(context, setting);
  await join(context, setting, { maxMessageBytes: 1000 });
  await join(context, setting, { shared: { key: 'ada' } });
  await join(context, setting, { shared: { key: 'ada' } });
  await join(context, setting, { shared: { key: 'grace' } });
  expect(setting.accepted).toHaveLength(4);
});

for (const [why, how] of [
  ['there is no SharedWorker', () => Reflect.deleteProperty(globalThis, 'SharedWorker')],
  ['there are no locks', () => Reflect.deleteProperty(Navigator.prototype, 'locks')],
] as const) {
  test(`where ${why}, each tab has a socket of its own`, async ({ context }) => {
    await using setting = await set();
    await context.addInitScript(how);
    const tabs = [await join(context, setting), await join(context, setting)];
    expect(setting.accepted).toHaveLength(2);
    for (const { client } of setting.accepted) send(client, 0, 10);
    for (const tab of tabs) await until(async () => (await heard(tab)) === 10, 'the tab has heard its own');
  });
}

test('a worker that cannot start is done without', async ({ context }) => {
  await using setting = await set();
  const tabs = [await join(context, setting, { shared: { worker: '/no-such-script.js' } }), await join(context, setting)];
  await joinIn(tabs[1] as Page, setting, { shared: { worker: 'https://elsewhere.invalid/worker.js' } });
  expect(setting.accepted).toHaveLength(3);
});

/** The renderer of the tab is gone, without a word to anybody. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  page.goto('chrome://crash').catch(() => {});
  await crashed;
}
