import { expect } from '@playwright/test';
import { until } from '../test/support/until.js';
import { goBack } from './engines/engine.js';
import { closeIn, eventsOf, isFromCache, logOf, open } from './lifecycle/setting.js';
import { open as openSession, set } from './session/setting.js';
import { test } from './test.js';

/*
 * Firefox decides before `pagehide` whether it keeps a page, and keeps none with an open WebSocket: it closes that itself,
 * with 1001, and coming back loads the page anew.
 */

test('a page that is left with an open connection closes it with 1001, and is not kept', async ({ tab, server }) => {
  await open(tab, server);
  await tab.goto(`${server.origin}/elsewhere`);
  const { connections } = await logOf(server, { closed: 1 });
  expect(connections[0]?.closed).toEqual({ code: 1001, reason: '' });
  await goBack(tab);
  expect(await eventsOf(tab)).toBeUndefined();
});

test('a page that closed its connection before it was left is kept', async ({ tab, server }) => {
  await open(tab, server);
  await closeIn(tab);
  await tab.goto(`${server.origin}/elsewhere`);
  await goBack(tab);
  expect(await eventsOf(tab)).toEqual(['closing', 'closed', 'close 1000']);
  expect(await isFromCache(tab)).toBe(true);
});

test('a page that is left ends its session, and has a new one when it is restored', async ({ tab }) => {
  await using setting = await set();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  await tab.goto(`${setting.origin}/elsewhere`);
  await until(() => setting.accepted[0]?.client.state === 'closed', 'the session has ended');
  await goBack(tab);
  await openSession(tab, setting);
  await until(() => setting.accepted[1]?.client.state === 'open', 'the new page has a session of its own');
  expect(setting.server.clients).toHaveLength(1);
});
