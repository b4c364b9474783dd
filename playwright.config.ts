import { defineConfig, devices } from '@playwright/test';
import { chromiumOptions } from './test/support/chromium.js';

/** Where the demo listens for these tests; E2E_PORT lets two checkouts run them at once. */
const port = Number(process.env.E2E_PORT ?? 8180);

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 30_000,
  workers: 2,
  forbidOnly: true,
  // A machine that is short of time for a moment is no fault; what passed at the second try is listed as flaky.
  retries: process.env.CI ? 1 : 0,
  reporter: [['list'], ['html', { open: 'never' }]],
  use: { baseURL: `http://localhost:${port}`, trace: 'retain-on-failure', launchOptions: chromiumOptions },
  projects: [{ name: 'chromium', use: { ...devices['Desktop Chrome'] } }],
  webServer: {
    command: 'node demo/server.mjs',
    env: { PORT: String(port) },
    url: `http://localhost:${port}`,
    stdout: 'ignore',
    stderr: 'pipe',
  },
});
