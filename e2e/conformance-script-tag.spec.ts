import { expect, type Page } from '@playwright/test';
import type * as gemsocket from 'gemsocket';
import type { session } from 'gemsocket/session';
import { test } from './test.js';

type Build = typeof gemsocket & { session: typeof session; noConflict(): Build };

interface Global {
  Gemsocket?: unknown;
  builds: Build[];
}

test.beforeEach(({ page, server }) => page.goto(`${server.origin}/elsewhere`));

const addScript = (page: Page, file = 'gemsocket.iife.js') => page.addScriptTag({ url: `/dist/${file}` });

test('the script tag adds one global, and takes it back', async ({ page }) => {
  const before = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
  await addScript(page);
  const added = await page.evaluate((names) => Object.getOwnPropertyNames(globalThis).filter((name) => !names.includes(name)), before);
  expect(added).toEqual(['Gemsocket']);
  const isGone = await page.evaluate(() => {
    (globalThis as unknown as { Gemsocket: Build }).Gemsocket.noConflict();
    return !('Gemsocket' in globalThis);
  });
  expect(isGone).toBe(true);
});

test('the script tag brings sessions, which only the ES modules have to be asked for', async ({ page }) => {
  await addScript(page);
  const name = await page.evaluate(() => (globalThis as unknown as { Gemsocket: Build }).Gemsocket.session().name);
  expect(name).toBe('gem.1');
});

test('noConflict() gives the global back to whoever had it', async ({ page }) => {
  await page.evaluate(() => Object.assign(globalThis, { Gemsocket: 'of the application' }));
  await addScript(page);
  const restored = await page.evaluate(() => {
    const own = (globalThis as unknown as { Gemsocket: Build }).Gemsocket.noConflict();
    return [(globalThis as unknown as Global).Gemsocket, typeof own.connect];
  });
  expect(restored).toEqual(['of the application', 'function']);
});

const pairs = [
  ['the same twice', 'gemsocket.iife.js'],
  ['one of them for development', 'gemsocket.dev.iife.js'],
] as const;

for (const [which, file] of pairs) {
  test(`two builds in one page, ${which}, work side by side, each with its own`, async ({ page, server }) => {
    await addScript(page);
    await addScript(page, file);
    const globals = await page.evaluate(() => {
      const scope = globalThis as unknown as { Gemsocket: Build; builds: Build[] };
      const second = scope.Gemsocket.noConflict();
      const first = scope.Gemsocket;
      scope.builds = [first, second];
      return {
        isAnother: first !== second,
        isAnotherError: first.WebsocketError !== second.WebsocketError,
        again: second.noConflict() === second,
      };
    });
    expect(globals).toEqual({ isAnother: true, isAnotherError: true, again: true });
    const echoes = await page.evaluate(
      (address) =>
        Promise.all(
          (globalThis as unknown as Global).builds.map(async ({ WebsocketRequestBus }, index) => {
            const bus = new WebsocketRequestBus();
            const client = bus.createClient(address, undefined, 'insecure');
            bus.sendWebsocketMessage(client, `build ${index}`);
            for await (const message of client) {
              await bus.closeAll();
              return message;
            }
            return undefined;
          }),
        ),
      `ws://127.0.0.1:${server.port}/echo`,
    );
    expect(echoes).toEqual(['build 0', 'build 1']);
    const isGone = await page.evaluate(() => {
      (globalThis as unknown as Global).builds[0]?.noConflict();
      return !('Gemsocket' in globalThis);
    });
    expect(isGone).toBe(true);
  });
}
