import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test as base, expect, type Locator, type Page } from '@playwright/test';

export { expect };

interface Demo {
  readonly url: string;
  /** Where a WebSocket of the demo is. */
  address(path: string): string;
}

interface Fixtures {
  /** A demo server of the test's own, on a free port: one test's outage is no other's. */
  demo: Demo;
  /** What the page wrote as errors; a test ends by being clean, unless it says which errors it means. */
  expectedErrors: RegExp[];
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from a pattern.
  demo: async ({}, use) => {
    const server = spawn(process.execPath, ['demo/server.mjs'], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const url = /http:\S+/.exec(line)?.[0] ?? '';
    await use({ url, address: (path) => url.replace('http', 'ws') + path });
    server.kill();
    await once(server, 'exit');
  },
  expectedErrors: async ({ context }, use) => {
    const errors: string[] = [];
    const expected: RegExp[] = [];
    context.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    context.on('weberror', (error) => errors.push(String(error.error())));
    await use(expected);
    expect(errors.filter((error) => !expected.some((pattern) => pattern.test(error)))).toEqual([]);
  },
  page: async ({ page, demo, expectedErrors }, use) => {
    void expectedErrors;
    await page.goto(demo.url);
    await inArena(page);
    await use(page);
  },
});

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
