import type { Page } from '@playwright/test';
import { connect, type IWebsocketClient } from 'gemsocket';
import { session } from 'gemsocket/session';
import { publish, subscribe } from 'gemsocket/topics';
import { FEED_HISTORY } from '../demo/shared/feed.js';
import { expect, test } from './demo.js';

test.use({ section: 'feed' });

/** A client that is refused makes Chromium write a line. */
const REFUSED = /WebSocket connection to .*\/cable/;

type Name = 'slow' | 'quick';

const reader = (page: Page, name: Name) => page.locator(`#feed-${name}`);
const verdict = (page: Page, name: Name) => reader(page, name).locator('.cable-verdict');
const reports = (page: Page, kind: Name | 'fault' | 'gap') => page.locator(`#feed-receipts .receipt.${kind}`);
const setRate = (page: Page, perSecond: number) => page.getByRole('slider', { name: 'Slow reader' }).fill(String(perSecond));

interface Counts {
  readonly unread: number;
  readonly read: number;
  readonly lost: number;
}

/** All counters of both readers in one look: they change. */
function counts(page: Page): Promise<Record<Name, Counts> & { readonly areLevel: boolean }> {
  return page.locator('#feed').evaluate((root) => {
    const countsOf = (name: string) =>
      Object.fromEntries(
        [...root.querySelectorAll<HTMLElement>(`#feed-${name} [data-count]`)].map((place) => [
          place.dataset.count,
          Number(place.textContent),
        ]),
      ) as unknown as Counts;
    const linesOf = (name: string) => root.querySelector(`#feed-${name} .feed-lines`)?.textContent;
    return { slow: countsOf('slow'), quick: countsOf('quick'), areLevel: linesOf('slow') === linesOf('quick') };
  });
}

const count = async (page: Page, name: Name, counter: keyof Counts) => (await counts(page))[name][counter];

/** The slow reader has read or lost exactly what was published: both readers show the same last lines, and nothing is unread. */
async function expectLevel(page: Page): Promise<void> {
  await setRate(page, 60);
  await expect(async () => {
    const { slow, quick, areLevel } = await counts(page);
    expect({ unread: slow.unread, areLevel }).toEqual({ unread: 0, areLevel: true });
    expect(slow.read + slow.lost).toBe(quick.read + quick.lost);
  }).toPass({ intervals: [50] });
}

test('a reader that keeps up has nothing unread, and shows the lines that the quick one shows', async ({ page }) => {
  await expect(page.locator('#feed-state')).toHaveText('Connection open');
  await expectLevel(page);
  await expect(verdict(page, 'slow')).toHaveText('Reads every message soon after it arrives.');
  expect(await count(page, 'slow', 'lost')).toBe(0);
  await expect(reports(page, 'gap')).toHaveCount(0);
});

test('a reader that stops fills its window and stops nothing else; the messages that it has missed wait in the history', async ({
  page,
}) => {
  await setRate(page, 0);
  await expect(page.locator('#feed-rate-text')).toHaveText('0 reads per second');
  await expect(verdict(page, 'slow')).toHaveText(/The window is full: the server sends no more\. \d+ wait in its history\./);
  const before = await counts(page);
  await expect.poll(() => count(page, 'quick', 'read')).toBeGreaterThan(before.quick.read + 20);
  expect(await count(page, 'slow', 'read')).toBe(before.slow.read);
  await expect(verdict(page, 'quick')).toHaveText('Reads every message soon after it arrives.');
  await expectLevel(page);
  expect(await count(page, 'slow', 'lost')).toBe(0);
});

test('a reader that the history outruns gets the gap reported with its exact number', async ({ page }) => {
  test.slow(); // the history holds fifteen seconds
  await setRate(page, 0);
  await expect(verdict(page, 'slow')).toContainText('the history is outrun');
  await expect.poll(() => count(page, 'slow', 'unread')).toBeGreaterThan(FEED_HISTORY + 60);
  await expectLevel(page);
  const lost = await count(page, 'slow', 'lost');
  expect(lost).toBeGreaterThan(0);
  const gaps = await reports(page, 'gap').allTextContents();
  const numbers = gaps.map((gap) => Number(/(\d+) messages? lost: the history holds 300\./.exec(gap)?.[1]));
  expect(numbers.reduce((sum, number) => sum + number, 0)).toBe(lost);
  expect(await count(page, 'quick', 'lost')).toBe(0);
});

test('after a cut, each subscription reports what was replayed, and nothing is missing', async ({ page, expectedErrors }) => {
  expectedErrors.push(REFUSED);
  await expect.poll(() => count(page, 'quick', 'read')).toBeGreaterThan(20);
  await page.getByRole('button', { name: 'Cut for 5 s' }).click();
  await expect(reports(page, 'fault')).toHaveText(/The cable is cut for 5 s/);
  for (const name of ['quick', 'slow'] as const)
    await expect(reports(page, name)).toHaveText(/resumed\s*true.*replayed\s*[1-9]\d*.*lost\s*0/);
  await expect(page.locator('#feed-state')).toHaveText('Connection open');
  await expect(page.getByRole('button', { name: 'Cut for 5 s' })).toHaveAttribute('aria-disabled', 'false');
  await expectLevel(page);
  expect((await counts(page)).slow.lost).toBe(0);
});

test('a line that a visitor publishes reaches every reader once, also if the cable was cut meanwhile', async ({
  page,
  demo,
  expectedErrors,
}) => {
  expectedErrors.push(REFUSED);
  await using client = await openReader(demo, 'a');
  const read: unknown[] = [];
  await subscribe(client, 'feed', ({ message }) => read.push(message));

  await expect.poll(() => count(page, 'quick', 'read')).toBeGreaterThan(0);
  await page.getByRole('button', { name: 'Cut for 5 s' }).click();
  await expect(page.locator('#feed-state')).toHaveText('Connection reconnecting');
  await page.getByLabel('A line for the feed').fill('Hello, feed');
  await page.getByLabel('A line for the feed').press('Enter');
  await expect(page.locator('#feed-note')).toHaveText('The line waits for the connection.');
  await expect(page.locator('#feed-note')).toHaveText(/Published once, after \d+\.\d s\./);

  await publish(client, 'feed', 'The end');
  await expect.poll(() => read).toContain('The end');
  expect(read.filter((line) => String(line).endsWith(': Hello, feed'))).toHaveLength(1);
});

test('events of the arena are lines of the feed', async ({ demo }) => {
  await using client = await openReader(demo, 'b');
  for await (const { message } of await subscribe(client, 'feed')) if (String(message).includes('catches a sparkle')) break;
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test('both readers stand side by side, nothing is wider than the screen, and nothing moves', async ({ page }) => {
    await setRate(page, 0);
    const heights = () => page.locator('#feed').evaluate((feed) => feed.getBoundingClientRect().height);
    const before = await heights();
    await expect(verdict(page, 'slow')).toContainText('The window is full');
    expect(await heights()).toBe(before);
    const [slow, quick] = await Promise.all([reader(page, 'slow').boundingBox(), reader(page, 'quick').boundingBox()]);
    expect(slow?.y).toBe(quick?.y);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });
});

test.describe('the server’s side of it', () => {
  test('a reader of the feed may publish a line that is not too long, and has no other topic', async ({ demo }) => {
    await using client = await openReader(demo, 'c');
    expect(await publish(client, 'feed', 'x'.repeat(512))).toEqual(expect.any(String));
    await expect(publish(client, 'feed', 'x'.repeat(513))).rejects.toMatchObject({ code: 'MESSAGE_TOO_BIG' });
    await expect(publish(client, 'news', 'Hello')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(subscribe(client, 'news')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('a client that counts is no reader of the feed', async ({ demo }) => {
    await using client = await openReader(demo, 'd', 'session');
    await expect(subscribe(client, 'feed')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

/** A client that is no page, on a line of its own. */
async function openReader(demo: { url: string; address(path: string): string }, digit: string, as = 'feed'): Promise<IWebsocketClient> {
  const line = digit.repeat(32);
  expect((await fetch(`${demo.url}/cable?line=${line}`)).status).toBe(200);
  return connect(demo.address(`/cable?line=${line}&as=${as}`), { type: 'insecure', reconnect: false, session: session() });
}
