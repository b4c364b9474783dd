import { expect, type Page } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import { listen } from 'gemsocket/server';
import type * as websocketStream from 'gemsocket/websocket-stream';
import { limit } from '../test/support/pace.js';
import { until } from '../test/support/until.js';
import { pageBytes } from './engines/page-bytes.js';
import { logOf, open as openSession, peerOf, sendFrom, set } from './session/setting.js';
import { send } from './session/talk.js';
import { test } from './test.js';

const MB = 1024 * 1024;
const TOTAL_BYTES = 200 * MB;
const MESSAGE_BYTES = 64 * 1024;

/** What `open` leaves in the page. */
interface Opened {
  client: gemsocket.IWebsocketClient;
  events: string[];
}

test.beforeEach(({ page, server }) => page.goto(`${server.origin}/elsewhere`));

/** A plain connection of the page over WebSocketStream, its events on record. */
async function open(page: Page, address: string, options: gemsocket.ClientOptions = {}): Promise<void> {
  await page.evaluate(
    async ([to, given]) => {
      const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
      const { webSocketStream } = (await import('/dist/websocket-stream.js' as string)) as typeof websocketStream;
      const client = await connect(to, { type: 'insecure', transport: webSocketStream(), ...given });
      const events: string[] = [];
      client.on('state', (now) => events.push(now));
      client.on('close', ({ code }) => events.push(`close ${code}`));
      Object.assign(globalThis, { client, events } satisfies Opened);
    },
    [address, options] as const,
  );
}

const events = (page: Page) => page.evaluate(() => (globalThis as unknown as Opened).events);

/** Numbered messages, no faster than they leave. */
async function writeAll(client: gemsocket.IWebsocketClient): Promise<void> {
  for (let number = 0; number < TOTAL_BYTES / MESSAGE_BYTES; number++) {
    const message = new Uint8Array(MESSAGE_BYTES);
    new DataView(message.buffer).setUint32(0, number);
    if (!client.sendMessageBinary(message)) await client.drained();
  }
}

test('a page that does not read stops a server by TCP alone: the page stays small, and nothing is lost', async ({ page }) => {
  test.setTimeout(limit(120_000));
  const server = await listen('127.0.0.1', 0, { origins: '*' });
  const arriving = new Promise<gemsocket.IWebsocketClient>((resolve) => server.on('connection', resolve));
  const devtools = await page.context().newCDPSession(page);
  const before = await pageBytes(devtools);
  await open(page, `ws://127.0.0.1:${server.port}`, { inbox: { maxBytes: MB } });
  const peer = await arriving;
  const writing = writeAll(peer);

  const sent: number[] = [];
  await until(() => {
    sent.push(peer.stats.bytesSent);
    return sent.length > 100 && (sent.at(-1) as number) > 0 && sent.at(-1) === sent.at(-100);
  }, 'the server stands still');
  const inPage = (await pageBytes(devtools)) - before;
  // The inbox, what both sockets hold, and what may wait at the server.
  expect(sent.at(-1)).toBeLessThan(32 * MB);
  expect(inPage).toBeLessThan(4 * MB);

  const read = await page.evaluate(async (total) => {
    let [messages, isInOrder] = [0, true];
    for await (const message of (globalThis as unknown as Opened).client) {
      isInOrder &&= typeof message !== 'string' && new DataView(message.buffer).getUint32(0) === messages;
      messages += 1;
      if (messages === total) break;
    }
    return { messages, isInOrder };
  }, TOTAL_BYTES / MESSAGE_BYTES);
  await writing;
  expect(read).toEqual({ messages: TOTAL_BYTES / MESSAGE_BYTES, isInOrder: true });
  expect((await pageBytes(devtools)) - before).toBeLessThan(8 * MB);
  expect(await events(page)).toEqual([]);
  await server.close({ graceMs: 1 });
});

test('a page whose messages wait gives up a peer that does not read, when close() has waited long enough', async ({ page, server }) => {
  const open0 = encodeURIComponent(JSON.stringify([[{ silence: true }]]));
  await open(page, `ws://127.0.0.1:${server.port}/sink?key=still&open=${open0}`, { closeTimeoutMs: 100 });
  await page.evaluate(async () => {
    const { client } = globalThis as unknown as Opened;
    for (let index = 0; index < 15; index++) client.sendMessageBinary(new Uint8Array(1024 * 1024));
    await client.close();
  });
  expect(await events(page)).toEqual(['closing', 'closed', 'close 1006']);
});

test('a page that is left closes its connection, and one restored from the page cache connects again', async ({ page, server }) => {
  await open(page, `ws://127.0.0.1:${server.port}/echo?key=page`, { reconnect: { minDelayMs: 36_000_000, maxDelayMs: 36_000_000 } });
  await page.goto(server.origin);
  const log = await fetch(`${server.origin}/log?key=page&until=${encodeURIComponent('{"closed":1}')}`);
  const { connections } = (await log.json()) as { connections: { closed?: unknown }[] };
  expect(connections[0]?.closed).toEqual({ code: 4001, reason: 'page hidden' });
  await page.goBack({ waitUntil: 'commit' });
  await expect.poll(() => events(page)).toEqual(['reconnecting', 'open']);
});

test('a session over it: 4,000 messages each way arrive once and in order', async ({ page }) => {
  await using setting = await set();
  await page.goto(setting.origin);
  await openSession(page, setting, {}, 'WebSocketStream');
  await until(() => setting.accepted.length === 1, 'the server has the session');
  const peer = peerOf(setting);
  for (let from = 0; from < 4_000; from += 400) {
    await sendFrom(page, from, from + 400);
    send(peer.client, from, from + 400);
  }
  await until(async () => peer.log.heard === 4_000 && (await logOf(page)).heard === 4_000, 'each has heard the other');
  expect([peer.log, await logOf(page)]).toMatchObject(Array(2).fill({ wrong: [], events: [] }));
});
