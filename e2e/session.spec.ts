import { expect, type Page, test } from '@playwright/test';
import { limit } from '../test/support/pace.js';
import { until } from '../test/support/until.js';
import { logOf, open, peerOf, type Setting, sendFrom, set, stateOf, statsOf } from './session/setting.js';
import { send } from './session/talk.js';

const quick = { connectTimeoutMs: limit(500), liveness: { pingMs: limit(20), timeoutMs: limit(60) } };

/** How the link breaks, in turns: twice with a goodbye or none, and three ways in which nobody is told. */
const BREAKS = ['fin', 'reset', 'both', 'toServer', 'toClient'] as const;

/** The break of its kind, at once. */
function breakLink(kind: (typeof BREAKS)[number], { proxy }: Setting): void {
  if (kind === 'fin' || kind === 'reset') proxy.cut(kind);
  else proxy.freeze(kind);
}

const breaksOf = async (page: Page) => (await logOf(page)).events.filter((event) => event === 'reconnecting').length;

/** All is well again once the page has noticed; after a reset, with one break more as the page comes back. */
async function mend(
  kind: (typeof BREAKS)[number],
  { proxy }: Setting,
  page: Page,
  before: { breaks: number; dials: number },
): Promise<void> {
  await until(async () => (await breaksOf(page)) > before.breaks, 'the page has noticed the break');
  if (kind === 'reset') {
    await until(() => proxy.accepted > before.dials, 'the page dials');
    proxy.cut('reset');
  }
  await proxy.heal();
  await until(async () => (await stateOf(page)) === 'open', 'the page is back');
}

test('100 cuts and freezes lose, double and reorder none of 20,000 messages each way', async ({ page }) => {
  test.setTimeout(limit(120_000));
  const [breaks, messages] = [100, 20_000];
  await using setting = await set();
  await page.goto(setting.origin);
  await open(page, setting, quick);
  await until(() => setting.accepted.length === 1, 'the server has the session');
  const peer = peerOf(setting);
  for (let index = 0; index < breaks; index++) {
    const from = (index * messages) / breaks;
    const to = from + messages / breaks;
    const middle = (from + to) / 2;
    const kind = BREAKS[index % BREAKS.length] as (typeof BREAKS)[number];
    const before = { breaks: await breaksOf(page), dials: setting.proxy.accepted };
    // Into the break, and into the dark after it.
    const sending = sendFrom(page, from, middle);
    send(peer.client, from, middle);
    if (index % 2 === 0) await new Promise(setImmediate);
    breakLink(kind, setting);
    send(peer.client, middle, to);
    await sending;
    await sendFrom(page, middle, to);
    await mend(kind, setting, page, before);
  }
  await until(async () => peer.log.heard >= messages && (await logOf(page)).heard >= messages, 'all has arrived', 20_000);

  // Of each end at one moment: on a busy machine another break may follow.
  const atServer = structuredClone({ log: { ...peer.log }, stats: peer.client.stats });
  const inPage = await page.evaluate(() => {
    const { client, log } = globalThis as unknown as Setting['accepted'][0];
    return { log: { ...log }, stats: client.stats };
  });
  const logs = [atServer.log, inPage.log];
  expect(logs.map(({ heard, wrong }) => ({ heard, wrong }))).toEqual(Array(2).fill({ heard: messages, wrong: [] }));
  // One connection for the application of either side, whatever happened to the link.
  await expect
    .poll(() => setting.server.metrics)
    .toMatchObject({ connectionsTotal: 1, clients: 1, sessionsDetached: 0, sessionsEvicted: 0 });
  const told = logs.flatMap(({ events }) => events);
  expect(told.filter((event) => event === 'undelivered' || event.startsWith('close'))).toEqual([]);
  // The receipts: each of a resumed session that lost nothing, as many as there were reconnects.
  const receipts = logs.flatMap((log) => log.receipts);
  expect(receipts.filter(({ resumed, lost }) => !resumed || lost !== 0)).toEqual([]);
  for (const { receipts: own } of logs) expect(own.length).toBeGreaterThanOrEqual(breaks);
  // And the breaks were hard ones.
  expect(receipts.filter(({ replayed }) => replayed > 0).length).toBeGreaterThan(breaks / 4);
  const stats = [atServer.stats, inPage.stats];
  expect(stats).toMatchObject(Array(2).fill({ messagesSent: messages, messagesReceived: messages, messagesShed: 0 }));
  expect(stats.map(({ reconnects }) => reconnects)).toEqual(logs.map((log) => log.receipts.length));
});

test('a page that was too busy to answer, and whose link the server gave up, goes on in its session', async ({ page }) => {
  await using setting = await set({ liveness: { pingMs: limit(50), timeoutMs: limit(100) } });
  await page.goto(setting.origin);
  await open(page, setting);
  const peer = peerOf(setting);
  const busy = page.evaluate((busyMs) => {
    const { client, send: sendIn } = globalThis as unknown as { client: Parameters<typeof send>[0]; send: typeof send };
    sendIn(client, 0, 500);
    const end = performance.now() + busyMs;
    while (performance.now() < end);
  }, limit(3_000));
  await until(() => peer.client.state === 'reconnecting', 'the server gives the page up');
  send(peer.client, 0, 500);
  await busy;
  await until(async () => (await logOf(page)).heard === 500 && peer.log.heard === 500, 'each has heard the other');
  expect(await logOf(page)).toMatchObject({ wrong: [], receipts: [{ resumed: true, lost: 0 }] });
  expect(peer.log.wrong).toEqual([]);
  expect(setting.accepted).toHaveLength(1);
});

test('a link that went dark is found by the pings of the page', async ({ page }) => {
  await using setting = await set();
  await page.goto(setting.origin);
  await open(page, setting, quick);
  await until(async () => (await statsOf(page)).rttMs !== undefined, 'a ping was answered');
  setting.proxy.freeze();
  await until(async () => (await logOf(page)).events.includes('LINK_DEAD'), 'the page calls its link dead');
  await setting.proxy.heal();
  await until(async () => (await logOf(page)).receipts.length > 0, 'the page is back');
  expect(await logOf(page)).toMatchObject({ receipts: [{ resumed: true, lost: 0 }] });
});

test('a page that is shown again doubts its link at once', async ({ page }) => {
  await using setting = await set();
  await page.goto(setting.origin);
  await open(page, setting, { liveness: { pingMs: 3_600_000, timeoutMs: 60 } });
  setting.proxy.freeze();
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));
  await until(async () => (await logOf(page)).events.includes('LINK_DEAD'), 'the page calls its link dead');
});

test('a restarted server does not know the session: the page gets a report of the lost messages, and a new session', async ({ page }) => {
  await using setting = await set();
  await page.goto(setting.origin);
  await open(page, setting);
  setting.proxy.freeze();
  await sendFrom(page, 1, 4);
  await until(async () => (await statsOf(page)).messagesSent === 3, 'the page has sent');
  await setting.proxy.refuse();
  setting.proxy.cut('reset');
  await until(async () => (await stateOf(page)) === 'reconnecting', 'the page has noticed');
  await setting.restart();
  await setting.proxy.heal();
  await until(() => setting.accepted.length === 2, 'the page has a new session');
  await sendFrom(page, 0, 10);
  const [, peer] = setting.accepted as [unknown, Setting['accepted'][0]];
  await until(() => peer.log.heard === 10, 'the new session carries');
  expect(peer.log.wrong).toEqual([]);
  const { receipts, undelivered, events } = await logOf(page);
  expect(receipts).toEqual([
    { resumed: false, replayed: 0, lost: undefined, lostFromPeer: undefined, reason: expect.stringContaining('does not know') },
  ]);
  expect(undelivered).toEqual([1, 2, 3]);
  expect(events.filter((event) => event.startsWith('close'))).toEqual([]);
});
