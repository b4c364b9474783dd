import { expect } from '@playwright/test';
import { tabOf } from './engines/playwright.js';
import { drop, echoIn, eventsOf, logOf, open } from './lifecycle/setting.js';
import { test } from './test.js';

test('a tab that is closed closes its connection', async ({ page, server }) => {
  await open(tabOf(page), server);
  await page.close({ runBeforeUnload: true });
  const { connections } = await logOf(server, { closed: 1 });
  expect(connections[0]?.closed).toEqual({ code: 4001, reason: 'page hidden' });
});

test('a connection that was lost while offline is back at once when the network is', async ({ page, context, server }) => {
  const tab = tabOf(page);
  await open(tab, server);
  await context.setOffline(true);
  await drop(server);
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting']);
  await context.setOffline(false);
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await echoIn(tab)).toBe('still here');
});
