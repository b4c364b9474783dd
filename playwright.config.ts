import { defineConfig, devices } from '@playwright/test';
import { chromiumOptions, firefoxOptions, headlessShellOptions } from './test/support/browsers.js';
import { JOBS, limit, measurePace } from './test/support/pace.js';

await measurePace();

/** Playwright turns the page cache off unless told otherwise. */
const chromium = { ...chromiumOptions, ignoreDefaultArgs: ['--disable-back-forward-cache'] };
/** The specs that are one engine's alone. */
const ofEngines = (...names: readonly string[]) => names.map((name) => `**/*-${name}.spec.ts`);

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results/browser', // it is emptied at every start; the results of the conformance suite, beside it, are not
  timeout: limit(60_000),
  expect: { timeout: limit(10_000) },
  workers: JOBS,
  forbidOnly: true,
  reporter: [
    ['list', { printSteps: true }],
    ['html', { open: 'never' }],
  ],
  use: {
    // Snapshots of the page without a film of it, which would keep a core busy in the tests of the demo.
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'chromium',
      testIgnore: [...ofEngines('firefox', 'webkit'), '**/demo-*.spec.ts'],
      use: { ...devices['Desktop Chrome'], launchOptions: chromium },
    },
    { name: 'demo', testMatch: '**/demo-*.spec.ts', use: { ...devices['Desktop Chrome'], launchOptions: headlessShellOptions } },
    {
      name: 'firefox',
      testMatch: [...ofEngines('firefox'), '**/sleep.spec.ts', '**/shared.spec.ts'],
      grepInvert: /@chromium/,
      use: { browserName: 'firefox', launchOptions: firefoxOptions() },
    },
    { name: 'webkit', testMatch: [...ofEngines('webkit'), '**/lifecycle.spec.ts', '**/sleep.spec.ts'], use: { browserName: 'webkit' } },
  ],
});
