import { expect } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import { until } from '../test/support/until.js';
import { serve } from './conformance/served.js';
import { goBack, type Tab } from './engines/engine.js';
import { test } from './engines/test.js';
import { logOf, open as openSession, set } from './session/setting.js';
import { send } from './session/talk.js';

/*
 * What a page may go through in any engine. `pagehide` closes, or Firefox would not keep the page in its cache; Chromium
 * and WebKit would keep it with a socket that is dead when it comes back.
 */

/** What `open` leaves in the page. */
interface Opened {
  client: gemsocket.IWebsocketClient;
  events: string[];
  /** Whether the page was in the page cache when it was last shown. */
  isFromCache: boolean;
}

let server: Awaited<ReturnType<typeof serve>>;

test.beforeEach(async () => {
  server = await serve();
});

test.afterEach(() => server.close());

/** A connection of the page, its events on record. It would wait for hours before it tried again of itself. */
async function open(tab: Tab, options: gemsocket.ClientOptions = {}): Promise<void> {
  const patient: gemsocket.ClientOptions = { reconnect: { minDelayMs: 36_000_000, maxDelayMs: 36_000_000 }, ...options };
  await tab.goto(server.origin);
  await tab.evaluate(
    async ([address, given]) => {
      const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
      const client = await connect(address, { type: 'insecure', ...given });
      const events: string[] = [];
      client.on('state', (now) => events.push(now));
      client.on('reconnected', () => events.push('reconnected'));
      client.on('close', ({ code }) => events.push(`close ${code}`));
      Object.assign(globalThis, { client, events, isFromCache: false } satisfies Opened);
      addEventListener('pageshow', ({ persisted }) => Object.assign(globalThis, { isFromCache: persisted }));
    },
    [`ws://127.0.0.1:${server.port}/echo?key=page`, patient] as const,
  );
}

const events = (tab: Tab) => tab.evaluate(() => (globalThis as unknown as Opened).events);

const isFromCache = (tab: Tab) => tab.evaluate(() => (globalThis as unknown as Opened).isFromCache);

const echo = (tab: Tab) =>
  tab.evaluate(async () => {
    const { client } = globalThis as unknown as Opened;
    client.sendMessage('still here');
    for await (const message of client) return message;
    return undefined;
  });

async function log(waitFor: object): Promise<{ attempts: number; connections: { closed?: { code: number; reason: string } }[] }> {
  const response = await fetch(`${server.origin}/log?key=page&until=${encodeURIComponent(JSON.stringify(waitFor))}`);
  return response.json();
}

test('a page that is left closes its connection: the server sees 4001 and not 1006', async ({ tab }) => {
  await open(tab);
  await tab.goto(`${server.origin}/elsewhere`);
  const { connections } = await log({ closed: 1 });
  expect(connections[0]?.closed).toEqual({ code: 4001, reason: 'page hidden' });
});

test('a page that comes back from the page cache is connected again at once', async ({ tab }) => {
  await open(tab);
  await tab.goto(`${server.origin}/elsewhere`);
  await log({ closed: 1 });
  await goBack(tab);
  await expect.poll(() => events(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await isFromCache(tab)).toBe(true);
  expect(await echo(tab)).toBe('still here');
  expect((await log({ connections: 2 })).attempts).toBe(2);
});

test('without reconnecting, a page that comes back finds its connection closed', async ({ tab }) => {
  await open(tab, { reconnect: false });
  await tab.goto(`${server.origin}/elsewhere`);
  await log({ closed: 1 });
  await goBack(tab);
  await expect.poll(() => events(tab)).toEqual(['closed', 'close 1001']);
  expect(await isFromCache(tab)).toBe(true);
});

test('a page that comes back from the page cache goes on in its session: nothing is lost meanwhile', async ({ tab }) => {
  await using setting = await set();
  await tab.goto(setting.origin);
  await openSession(tab, setting);
  const [peer] = setting.accepted as [(typeof setting.accepted)[0]];
  await tab.evaluate(() => {
    const { client, send: sendIn } = globalThis as unknown as { client: Parameters<typeof send>[0]; send: typeof send };
    // As late as a page can send.
    addEventListener('pagehide', () => sendIn(client, 0, 500), { once: true, capture: true });
  });
  await tab.goto(`${setting.origin}/elsewhere`);
  await until(() => peer.client.state === 'reconnecting', 'the server has seen the page go');
  send(peer.client, 0, 500);
  await goBack(tab);
  await until(async () => (await logOf(tab)).heard === 500 && peer.log.heard === 500, 'each has heard the other');
  expect(await logOf(tab)).toMatchObject({ wrong: [], events: ['reconnecting', 'reconnected'], receipts: [{ resumed: true, lost: 0 }] });
  expect(peer.log).toMatchObject({ wrong: [], events: ['reconnecting', 'reconnected'], receipts: [{ resumed: true, lost: 0 }] });
  expect(setting.accepted).toHaveLength(1);
});

test('a page that is shown again tries at once', async ({ tab }) => {
  await open(tab);
  await fetch(`${server.origin}/do?key=page&steps=${encodeURIComponent('[{"drop":"end"}]')}`);
  await expect.poll(() => events(tab)).toEqual(['reconnecting']);
  await tab.evaluate(() => {
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
  await expect.poll(() => events(tab)).toEqual(['reconnecting', 'open', 'reconnected']);
});
