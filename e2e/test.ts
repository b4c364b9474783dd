import { existsSync } from 'node:fs';
import { test as base } from '@playwright/test';
import { DEBIAN_WEBKIT_DRIVER } from '../test/support/browsers.js';
import { limit } from '../test/support/pace.js';
import { type Served, serve } from './conformance/served.js';
import type { Engine, Tab } from './engines/engine.js';
import { startWithPlaywright } from './engines/playwright.js';
import { startWebKit } from './engines/webkit.js';

/** A test that may ask for a tab of the project's engine, and for a server of its own. */
export const test = base.extend<{ tab: Tab; server: Served }, { engine: Engine }>({
  engine: [
    async ({ playwright, browserName, launchOptions }, use) => {
      const isDebiansWebKit = browserName === 'webkit' && existsSync(DEBIAN_WEBKIT_DRIVER);
      await using engine = isDebiansWebKit ? await startWebKit() : await startWithPlaywright(playwright[browserName], launchOptions);
      await use(engine);
    },
    { scope: 'worker', timeout: limit(120_000) },
  ],
  tab: async ({ engine }, use) => {
    await using tab = await engine.open();
    await use(tab);
  },
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads in the pattern what a fixture needs.
  server: async ({}, use) => {
    await using server = await serve();
    await use(server);
  },
});
