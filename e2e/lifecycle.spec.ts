import { expect } from '@playwright/test';
import { until } from '../test/support/until.js';
import { goBack } from './engines/engine.js';
import { echoIn, eventsOf, isFromCache, logOf, open, reload } from './lifecycle/setting.js';
import { open as openSession, peerOf, set, logOf as talkOf } from './session/setting.js';
import { send } from './session/talk.js';
import { test } from './test.js';

/*
 * What a page may go through in Chromium and WebKit. They keep a page with an open socket, which is dead when the page
 * comes back: so `pagehide` closes it, and `pageshow` connects again. Firefox has a spec of its own.
 */

test('a page that is left closes its connection: the server sees 4001 and not 1006', async ({ tab, server }) => {
  await open(tab, server);
  await tab.goto(`${server.origin}/elsewhere`);
  const { connections } = await logOf(server, { closed: 1 });
  expect(connections[0]?.closed).toEqual({ code: 4001, reason: 'page hidden' });
});

test('a page that is restored from the page cache is connected again at once', async ({ tab, server }) => {
  await open(tab, server);
  await tab.goto(`${server.origin}/elsewhere`);
  await logOf(server, { closed: 1 });
  await goBack(tab);
  await expect.poll(() => eventsOf(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await isFromCache(tab)).toBe(true);
  expect(await echoIn(tab)).toBe('still here');
  expect((await logOf(server, { connections: 2 })).attempts).toBe(2);
});

test('without reconnecting, a restored page has a closed connection', async ({ tab, server }) => {
  await open(tab, server, { reconnect: false });
  await tab.goto(`${server.origin}/elsewhere`);
  await logOf(server, { closed: 1 });
  await goBack(tab);
  await expect.poll(() => eventsOf(tab)).toEqual(['closed', 'close 1001']);
  expect(await isFromCache(tab)).toBe(true);
});

test('a page that is restored from the page cache continues its session: no message is lost', async ({ tab }) => {
  await using setting = await set();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  const peer = peerOf(setting);
  await tab.evaluate(() => {
    const { client, send: sendIn } = globalThis as unknown as { client: Parameters<typeof send>[0]; send: typeof send };
    // As late as a page can send.
    addEventListener('pagehide', () => sendIn(client, 0, 500), { once: true, capture: true });
  });
  await tab.goto(`${setting.origin}/elsewhere`);
  await until(() => peer.client.state === 'reconnecting', 'the server has seen the page go');
  send(peer.client, 0, 500);
  await goBack(tab);
  await until(async () => (await talkOf(tab)).heard === 500 && peer.log.heard === 500, 'each has heard the other');
  expect(await talkOf(tab)).toMatchObject({ wrong: [], events: ['reconnecting', 'reconnected'], receipts: [{ resumed: true, lost: 0 }] });
  expect(peer.log).toMatchObject({ wrong: [], events: ['reconnecting', 'reconnected'], receipts: [{ resumed: true, lost: 0 }] });
  expect(setting.accepted).toHaveLength(1);
});

test('a page that is loaded anew ends its session with 1001: the server keeps nothing for it', async ({ tab }) => {
  await using setting = await set();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  const { client } = peerOf(setting);
  const ends: unknown[] = [];
  client.on('close', (info) => ends.push(info));
  await reload(tab);
  await until(() => client.state === 'closed', 'the session has ended');
  expect(ends).toEqual([{ code: 1001, reason: 'page hidden', wasClean: true }]);
  expect(setting.server.metrics.sessionsDetached).toBe(0);
});
