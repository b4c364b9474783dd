import { expect, type Page, test } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import { serve } from './conformance/served.js';

/** What `open` leaves in the page. */
interface Opened {
  client: gemsocket.IWebsocketClient;
  events: string[];
}

let server: Awaited<ReturnType<typeof serve>>;

test.beforeEach(async ({ page }) => {
  server = await serve();
  await page.goto(server.origin);
});

test.afterEach(() => server.close());

/** A connection of the page, its events on record. It would wait for hours before it tried again of itself. */
async function open(page: Page, options: gemsocket.ClientOptions = {}): Promise<void> {
  const patient: gemsocket.ClientOptions = { reconnect: { minDelayMs: 36_000_000, maxDelayMs: 36_000_000 }, ...options };
  await page.evaluate(
    async ([address, given]) => {
      const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
      const client = await connect(address, { type: 'insecure', ...given });
      const events: string[] = [];
      client.on('state', (now) => events.push(now));
      client.on('reconnected', () => events.push('reconnected'));
      client.on('close', ({ code }) => events.push(`close ${code}`));
      Object.assign(globalThis, { client, events });
    },
    [`ws://127.0.0.1:${server.port}/echo?key=page`, patient] as const,
  );
}

const events = (page: Page) => page.evaluate(() => (globalThis as unknown as Opened).events);

const echo = (page: Page) =>
  page.evaluate(async () => {
    const { client } = globalThis as unknown as Opened;
    client.sendMessage('still here');
    for await (const message of client) return message;
    return undefined;
  });

async function log(until: object): Promise<{ attempts: number; connections: { closed?: { code: number; reason: string } }[] }> {
  const response = await fetch(`${server.origin}/log?key=page&until=${encodeURIComponent(JSON.stringify(until))}`);
  return response.json();
}

test('a tab that is closed closes its connection', async ({ page }) => {
  await open(page);
  await page.close({ runBeforeUnload: true });
  const { connections } = await log({ closed: 1 });
  expect(connections[0]?.closed).toEqual({ code: 4001, reason: 'page hidden' });
});

test('a connection that was lost while offline is back at once when the network is', async ({ page, context }) => {
  await open(page);
  await context.setOffline(true);
  await fetch(`${server.origin}/do?key=page&steps=${encodeURIComponent('[{"drop":"end"}]')}`);
  await expect.poll(() => events(page)).toEqual(['reconnecting']);
  await context.setOffline(false);
  await expect.poll(() => events(page)).toEqual(['reconnecting', 'open', 'reconnected']);
  expect(await echo(page)).toBe('still here');
});
