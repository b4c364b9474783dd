import { expect, test } from '@playwright/test';
import type { IWebsocketClient } from 'gemsocket';
import { limit } from '../test/support/pace.js';
import { until } from '../test/support/until.js';
import { serve } from './conformance/served.js';
import { openBackgroundTab } from './engines/devtools.js';
import type { Tab } from './engines/engine.js';
import { drop, echoIn, eventsOf, open } from './lifecycle/setting.js';
import { logOf, open as openSession, peerOf, sendFrom, set } from './session/setting.js';
import { send } from './session/talk.js';

/* A tab behind another one: Chromium slows its timers down, and may freeze it altogether. */

const IMPATIENT = { liveness: { pingMs: limit(500), timeoutMs: limit(1_000) } };

const hear = (tab: Tab, names: readonly string[]): Promise<void> =>
  tab.evaluate((events) => {
    const told: string[] = [];
    for (const name of events) document.addEventListener(name, () => told.push(name));
    Object.assign(globalThis, { told });
  }, names);

const toldTo = (tab: Tab): Promise<string[]> => tab.evaluate(() => (globalThis as unknown as { told: string[] }).told);

test('a frozen page with a session loses nothing, and is back when it is resumed', async () => {
  await using setting = await set(IMPATIENT);
  await using tab = await openBackgroundTab();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  const peer = peerOf(setting);
  await hear(tab, ['freeze', 'resume']);
  await tab.evaluate(() => {
    const { client, send: sendIn } = globalThis as unknown as { client: IWebsocketClient; send: typeof send };
    document.addEventListener('freeze', () => sendIn(client, 0, 500)); // as late as it can
  });
  await tab.hide();
  await tab.freeze();
  await until(() => peer.client.state === 'reconnecting', 'the server has no answer from the page');
  send(peer.client, 0, 500);
  await tab.resume();
  await until(async () => (await logOf(tab)).heard === 500 && peer.log.heard === 500, 'each has heard the other');
  expect(await toldTo(tab)).toEqual(['freeze', 'resume']);
  expect(await logOf(tab)).toMatchObject({ wrong: [], receipts: [{ resumed: true, lost: 0 }] });
  expect(peer.log).toMatchObject({ wrong: [], receipts: [{ resumed: true, lost: 0 }] });
  expect(setting.accepted).toHaveLength(1);
});

test('a frozen page whose connection breaks meanwhile connects again when it is resumed', async () => {
  await using server = await serve();
  await using tab = await openBackgroundTab();
  await open(tab, server, { reconnect: { minDelayMs: 1, maxDelayMs: 20 } });
  await hear(tab, ['freeze', 'resume']);
  await tab.hide();
  await tab.freeze();
  await drop(server);
  await tab.resume();
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await echoIn(tab)).toBe('still here');
  expect(await toldTo(tab)).toEqual(['freeze', 'resume']);
});

test('a tab with slowed timers keeps its session: it answers pings and acknowledges in time', async () => {
  await using setting = await set(IMPATIENT);
  // A hidden page runs a timer once a second at first, and after this time, which is five minutes elsewhere, once a minute.
  await using tab = await openBackgroundTab(['--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1']);
  await tab.goto(setting.origin);
  await openSession(tab, setting, IMPATIENT);
  const peer = peerOf(setting);
  await tab.hide();
  const ticksBefore = await tab.evaluate(() => {
    const ticks: number[] = [];
    const tick = () => {
      ticks.push(performance.now());
      setTimeout(tick, 50);
    };
    tick();
    Object.assign(globalThis, { ticks });
    return ticks.length;
  });
  expect(ticksBefore).toBe(1);
  // Twelve times as long as the server waits for an answer, on the clock of the server: the page's is what is slow.
  const deadline = performance.now() + 12 * IMPATIENT.liveness.timeoutMs;
  let sent = 0;
  while (performance.now() < deadline) {
    send(peer.client, sent, sent + 10);
    sent += 10;
    await until(() => peer.client.bufferedBytes === 0, 'the page has acknowledged', 5_000);
    const next = performance.now() + 2_000; // long enough to be silent in between
    await until(() => performance.now() > next, 'the link was silent');
  }
  await sendFrom(tab, 0, 10);
  await until(() => peer.log.heard === 10, 'the server hears the page');
  const ticks = await tab.evaluate(() => [...(globalThis as unknown as { ticks: number[] }).ticks, performance.now()]);
  expect(ticks.length).toBeLessThan(30); // of more than two hundred
  const gapsMs = ticks.slice(1).map((at, index) => at - (ticks[index] ?? 0));
  expect(Math.max(...gapsMs)).toBeGreaterThan(2_000); // the once a minute has begun
  expect(await logOf(tab)).toMatchObject({ heard: sent, wrong: [], events: [] });
  expect(peer.log).toMatchObject({ wrong: [], events: [] });
});
