import { expect } from '@playwright/test';
import type { IWebsocketClient } from 'gemsocket';
import { limit } from '../test/support/pace.js';
import { startProxy } from '../test/support/proxy.js';
import { until } from '../test/support/until.js';
import type { Tab } from './engines/engine.js';
import { drop, echoIn, eventsOf, open } from './lifecycle/setting.js';
import { logOf, open as openSession, peerOf, sendFrom, set } from './session/setting.js';
import { send } from './session/talk.js';
import { test } from './test.js';

/*
 * A laptop that was asleep for ten minutes: the clock on the wall has gone on, the links have been forgotten on the way, which
 * nobody was told, and the page is shown again.
 */

/** Resolves with how long the page needed to find its link dead. */
const wake = (tab: Tab): Promise<number> =>
  tab.evaluate(async () => {
    const { client } = globalThis as unknown as { client: IWebsocketClient };
    const { now } = Date;
    Date.now = () => now() + 600_000;
    const wokenAt = performance.now();
    const found = new Promise<number>((resolve) => {
      client.on('reconnecting', () => resolve(performance.now() - wokenAt));
    });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
    return found;
  });

test('a dead link is found within a second of waking, and the session goes on with nothing lost', async ({ tab }) => {
  await using setting = await set();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  const peer = peerOf(setting);
  const foundMs: number[] = [];
  const isFoundInTime = () => Math.min(...foundMs) < limit(1_000);
  // A page whose timer is late grants the peer 500 ms more: on a machine that is busy for a moment, another sleep must do.
  for (let from = 0; from < 1_500 || (from < 5_000 && !isFoundInTime()); from += 500) {
    setting.proxy.forget();
    await sendFrom(tab, from, from + 500);
    send(peer.client, from, from + 500);
    foundMs.push(await wake(tab));
    await until(async () => (await logOf(tab)).heard === from + 500 && peer.log.heard === from + 500, 'each has heard the other');
  }
  expect(Math.min(...foundMs), `found within ${foundMs} ms`).toBeLessThan(limit(1_000));
  const resumed = Array(foundMs.length).fill({ resumed: true, lost: 0 });
  expect(await logOf(tab)).toMatchObject({ wrong: [], receipts: resumed });
  expect(peer.log).toMatchObject({ wrong: [], receipts: resumed });
  expect(setting.accepted).toHaveLength(1);
});

test('without a session, the link of a page that was asleep is given up at once, and made anew', async ({ tab, server }) => {
  await using proxy = await startProxy(server.port);
  await open(tab, { ...server, port: proxy.port }, { reconnect: { minDelayMs: 1, maxDelayMs: 20 } });
  proxy.forget();
  expect(await wake(tab)).toBeLessThan(limit(1_000));
  expect(await echoIn(tab)).toBe('still here');
});

test('a page that is shown again tries at once', async ({ tab, server }) => {
  await open(tab, server);
  await drop(server);
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting']);
  await tab.evaluate(() => {
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
});
