import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test as base, expect as baseExpect, type Locator, type Page } from '@playwright/test';
import { limit } from '../test/support/pace.js';

/** No wait has a limit of its own: a test has one, and the configuration sets it for the machine. */
export const expect = baseExpect.configure({ timeout: 0 });

interface Demo {
  readonly url: string;
  /** Where a WebSocket of the demo is. */
  address(path: string): string;
}

interface Fixtures {
  /** The server that the test talks to: its worker's, unless {@link Fixtures.hasOwnServer}. */
  demo: Demo;
  /** For tests that stop the server, fill it, or count the points of a round, which ends after two minutes. */
  hasOwnServer: boolean;
  /** The section that the page opens at; none for its top. What is out of sight is not drawn. */
  section: 'none' | 'cable' | 'arena' | 'feed' | 'console' | 'race' | 'pulse';
  /** The patterns of the errors that a test expects on the page's console. Every other error fails it. */
  expectedErrors: RegExp[];
}

/**
 * The tests of the demo. Without a graphics card a moving picture takes most of the processor, so they ask for reduced
 * motion, but for those that are about motion.
 */
export const test = base.extend<Fixtures, { sharedDemo: Demo }>({
  sharedDemo: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from a pattern.
    async ({}, use) => {
      await using server = await startDemo();
      await use(server);
    },
    { scope: 'worker' },
  ],
  hasOwnServer: [false, { option: true }],
  section: ['console', { option: true }],
  contextOptions: { reducedMotion: 'reduce' },
  // Pictures of every frame would take more than the demo itself; the snapshots of the document show what happened.
  trace: [{ mode: 'retain-on-failure', screenshots: false, snapshots: true, sources: true }, { scope: 'worker' }],
  demo: async ({ sharedDemo, hasOwnServer }, use) => {
    if (!hasOwnServer) return use(sharedDemo);
    await using server = await startDemo();
    await use(server);
  },
  expectedErrors: async ({ context }, use) => {
    const errors: string[] = [];
    const expected: RegExp[] = [];
    context.on('console', (message) => message.type() === 'error' && errors.push(`${message.text()} (${message.location().url})`));
    context.on('weberror', (error) => errors.push(String(error.error())));
    await use(expected);
    expect(errors.filter((error) => !expected.some((pattern) => pattern.test(error)))).toEqual([]);
  },
  page: async ({ page, demo, section, expectedErrors, contextOptions }, use) => {
    void expectedErrors;
    if (contextOptions.reducedMotion === 'reduce') await page.context().addInitScript(drawSeldom, FRAME_MS);
    await page.goto(section === 'none' ? demo.url : `${demo.url}/#${section}`);
    await use(page);
  },
});

/** Without a graphics card each frame costs as much as the rest of the page takes in that time. */
const FRAME_MS = 150;

function drawSeldom(frameMs: number): void {
  const request = requestAnimationFrame;
  globalThis.requestAnimationFrame = (callback) => Number(setTimeout(() => request(callback), frameMs));
  globalThis.cancelAnimationFrame = clearTimeout;
}

async function startDemo(): Promise<Demo & AsyncDisposable> {
  const server = spawn(process.execPath, ['demo/server.mjs'], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'exit').then(() => Promise.reject(new Error('The demo ended before it listened.')));
  const signal = AbortSignal.timeout(limit(30_000));
  const [line] = (await Promise.race([once(createInterface(server.stdout), 'line', { signal }), ended])) as [string];
  const url = /http:\S+/.exec(line)?.[0] ?? '';
  return {
    url,
    address: (path) => url.replace('http', 'ws') + path,
    async [Symbol.asyncDispose]() {
      server.kill();
      await once(server, 'exit');
    },
  };
}

/** The page has been welcomed: its own player stands in the list. */
export async function inArena(page: Page): Promise<void> {
  await expect(page.locator('#players .own')).toBeVisible();
}

export async function anotherTab(page: Page): Promise<Page> {
  const tab = await page.context().newPage();
  await tab.goto(page.url());
  await inArena(tab);
  return tab;
}

export async function takeName(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Name', { exact: true }).press('Enter');
  await expect(page.locator('#players .own')).toContainText(name);
}

export function player(page: Page, name: string): Locator {
  return page.locator('#players li', { hasText: name });
}

/** Where a stone is seen on the field, in pixels of its canvas; undefined when it is nowhere. No bot wears rubellite. */
export function seen(page: Page): Promise<{ x: number; y: number } | undefined> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('#field-canvas');
    if (canvas === null) throw new Error('The page has no field.');
    const { data, width } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [], width: 1 };
    let [count, sumX, sumY] = [0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      const [red = 0, green = 0, blue = 0] = [data[i], data[i + 1], data[i + 2]];
      // Its hue is 322 degrees, whatever the light on a facet; ruby, its neighbour, has 348.
      const share = (blue - green) / (red - green);
      if (red - green < 60 || share < 0.5 || share > 0.75) continue;
      count += 1;
      sumX += (i / 4) % width;
      sumY += Math.floor(i / 4 / width);
    }
    return count < 40 ? undefined : { x: sumX / count, y: sumY / count };
  });
}

export async function wearRubellite(page: Page): Promise<void> {
  await page.getByRole('radio', { name: 'Rubellite' }).check();
  await expect.poll(() => seen(page)).toBeDefined();
}

/** The sparkle that is seen nearest to a point, in pixels of the canvas: any that has the light theme's colour of one. */
export function sparkleSeen(page: Page, near: { x: number; y: number }): Promise<{ x: number; y: number }> {
  return page.evaluate((from) => {
    const canvas = document.querySelector<HTMLCanvasElement>('#field-canvas');
    const image = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
    if (image === undefined) throw new Error('The page has no field.');
    const away = (point: { x: number; y: number }) => Math.hypot(point.x - from.x, point.y - from.y);
    let nearest: { x: number; y: number } | undefined;
    for (let i = 0; i < image.data.length; i += 4) {
      if (image.data[i] !== 184 || image.data[i + 1] !== 116 || image.data[i + 2] !== 0) continue;
      const point = { x: (i / 4) % image.width, y: Math.floor(i / 4 / image.width) };
      if (nearest === undefined || away(point) < away(nearest)) nearest = point;
    }
    if (nearest === undefined) throw new Error('There is no sparkle in sight.');
    return nearest;
  }, near);
}

/** What is shown for some seconds only. */
const BRIEF = [
  ...['#banner', '#link-state', '#machine-caption', '#outage', '#rtt-now', '#in-now'],
  ...['#cable-caption', '#cable-freeze', '#cable-refuse', '#cable-plain .cable-state', '#cable-session .cable-state'],
  '#cable-session [data-count=underWay]',
];

/**
 * Keeps every text that an element shows from now on: what is shown for some seconds only would be over before a slow
 * machine looks. Returns all texts of a selector so far, a line each.
 */
export async function recordTexts(page: Page): Promise<(selector: string) => Promise<string>> {
  await page.evaluate((selectors) => {
    const texts = new Map(selectors.map((selector) => [selector, new Set<string>()]));
    Object.assign(globalThis, { texts });
    const record = () => {
      for (const [selector, shown] of texts) {
        const element = document.querySelector<HTMLElement>(selector);
        if (element?.hidden === false) shown.add(element.textContent);
      }
    };
    record();
    new MutationObserver(record).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  }, BRIEF);
  return (selector) =>
    page.evaluate((selector) => {
      const { texts } = globalThis as unknown as { texts: Map<string, Set<string>> };
      return [...(texts.get(selector) ?? [])].join('\n');
    }, selector);
}
