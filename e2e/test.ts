import { existsSync } from 'node:fs';
import { test as base } from '@playwright/test';
import { DEBIAN_WEBKIT_DRIVER } from '../../test/support/browsers.js';
import type { Engine, Tab } from './engine.js';
import { startWithPlaywright } from './playwright.js';
import { startWebKit } from './webkit.js';

/** A test in a tab of the project's engine. */
export const test = base.extend<{ tab: Tab }, { engine: Engine }>({
  engine: [
    async ({ playwright, browserName, launchOptions }, use) => {
      const isDebiansWebKit = browserName === 'webkit' && existsSync(DEBIAN_WEBKIT_DRIVER);
      await using engine = isDebiansWebKit ? await startWebKit() : await startWithPlaywright(playwright[browserName], launchOptions);
      await use(engine);
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  tab: async ({ engine }, use) => {
    await using tab = await engine.open();
    await use(tab);
  },
});
