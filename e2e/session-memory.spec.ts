import { expect, type Page } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import { listen } from 'gemsocket/server';
import type { session } from 'gemsocket/session';
import { limit } from '../test/support/pace.js';
import { startScript } from '../test/support/programs.js';
import { until } from '../test/support/until.js';
import { pageBytes } from './engines/page-bytes.js';
import { test } from './test.js';

const MB = 1024 * 1024;
/** Many times the bytes that may wait in transit, so that a page or a server that keeps messages after reading fails; `npm run night` sends more. */
const TOTAL_BYTES = Number(process.env.GEMSOCKET_STREAM_MIB ?? 64) * MB;
const MESSAGE_BYTES = 16 * 1024;

interface Opened {
  client: gemsocket.IWebsocketClient;
}

interface Progress {
  readonly is: string;
  readonly sentBytes: number;
  readonly grownBytes: number;
}

test.beforeEach(({ page, server }) => page.goto(`${server.origin}/elsewhere`));

/** A session of the page that nobody reads. */
async function open(page: Page, address: string): Promise<void> {
  await page.evaluate(async (to) => {
    const { connect } = (await import('/dist/browser.js' as string)) as typeof gemsocket;
    const gem1 = (await import('/dist/session.js' as string)) as { session: typeof session };
    const client = await connect(to, { type: 'insecure', session: gem1.session() });
    Object.assign(globalThis, { client } satisfies Opened);
  }, address);
}

const mib = (bytes: number) => (bytes / MB).toFixed(1);

test('a page that stops reading stops a server at full speed: both are flat, and nothing is lost', async ({ page }) => {
  test.setTimeout(limit(120_000));
  await using writer = await startScript('test/faults/children/session-writer.ts', [TOTAL_BYTES, MESSAGE_BYTES]);
  const { port } = (await writer.said('listening')) as { port: number };
  const devtools = await page.context().newCDPSession(page);
  const before = await pageBytes(devtools);
  await open(page, `ws://127.0.0.1:${port}`);

  const stoodStill = () => (writer.messages as Progress[]).filter(({ is }) => is === 'progress').slice(-10);
  await until(() => {
    const last = stoodStill();
    return last.length === 10 && last.every(({ sentBytes }) => sentBytes > 0 && sentBytes === last[0]?.sentBytes);
  }, 'the server stands still');
  const stopped = stoodStill().at(-1) as Progress;
  const inPage = (await pageBytes(devtools)) - before;
  // The window of the page, and a quarter of what may wait at the server.
  expect(stopped.sentBytes).toBeLessThan(4 * MB);
  expect(stopped.grownBytes).toBeLessThan(60 * MB);
  expect(inPage).toBeLessThan(4 * MB);

  const read = await page.evaluate(async () => {
    let [messages, isInOrder] = [0, true];
    for await (const message of (globalThis as unknown as Opened).client) {
      if (typeof message === 'string') break;
      isInOrder &&= new DataView(message.buffer).getUint32(0) === messages;
      messages += 1;
    }
    return { messages, isInOrder };
  });
  const sent = (await writer.said('sent')) as Progress;
  const inPageAfter = (await pageBytes(devtools)) - before;
  expect(read).toEqual({ messages: TOTAL_BYTES / MESSAGE_BYTES, isInOrder: true });
  expect(sent.grownBytes).toBeLessThan(200 * MB);
  expect(inPageAfter).toBeLessThan(4 * MB);
  console.log(
    `server to page: stopped after ${mib(stopped.sentBytes)} MiB, grown by ${mib(stopped.grownBytes)} MiB (server) and ${mib(inPage)} MiB ` +
      `(page); ${mib(TOTAL_BYTES)} MiB then took ${mib(sent.grownBytes)} MiB at the most, and left ${mib(inPageAfter)} MiB in the page`,
  );
  writer.process.send('done');
  expect(await writer.ended).toBe(0);
});

test('a server that stops reading stops a page at full speed: both are flat, and nothing is lost', async ({ page }) => {
  test.setTimeout(limit(120_000));
  const server = await listen('127.0.0.1', 0, { origins: '*' });
  const arriving = new Promise<gemsocket.IWebsocketClient>((resolve) => server.on('connection', resolve));
  const devtools = await page.context().newCDPSession(page);
  const before = await pageBytes(devtools);
  const atServer = () => process.memoryUsage().arrayBuffers;
  const beforeAtServer = atServer();
  await open(page, `ws://127.0.0.1:${server.port}`);
  const client = await arriving;

  const total = TOTAL_BYTES / MESSAGE_BYTES;
  const writing = page.evaluate(
    async ([count, bytes]) => {
      const { client: writer } = globalThis as unknown as Opened;
      for (let number = 0; number < count; number++) {
        const message = new Uint8Array(bytes);
        new DataView(message.buffer).setUint32(0, number);
        if (!writer.sendMessageBinary(message)) await writer.drained();
      }
    },
    [total, MESSAGE_BYTES] as const,
  );
  const sentBytes = () => page.evaluate(() => (globalThis as unknown as Opened).client.stats.bytesSent);
  const sent: number[] = [];
  await until(async () => {
    sent.push(await sentBytes());
    return sent.length > 50 && (sent.at(-1) as number) > 0 && sent.at(-1) === sent.at(-50);
  }, 'the page stands still');
  const inPage = (await pageBytes(devtools)) - before;
  const held = atServer() - beforeAtServer;
  expect(sent.at(-1)).toBeLessThan(4 * MB);
  expect(inPage).toBeLessThan(8 * MB);
  expect(held).toBeLessThan(8 * MB);

  let [messages, isInOrder] = [0, true];
  for await (const message of client) {
    isInOrder &&= typeof message !== 'string' && new DataView(message.buffer, message.byteOffset).getUint32(0) === messages;
    messages += 1;
    if (messages === total) break;
  }
  await writing;
  expect(isInOrder).toBe(true);
  const inPageAfter = (await pageBytes(devtools)) - before;
  expect(inPageAfter).toBeLessThan(8 * MB);
  console.log(
    `page to server: stopped after ${mib(sent.at(-1) as number)} MiB, grown by ${mib(inPage)} MiB (page) and ${mib(held)} MiB of buffers (server); ` +
      `${mib(TOTAL_BYTES)} MiB then left ${mib(inPageAfter)} MiB in the page`,
  );
  await server.close({ graceMs: 1 });
});
