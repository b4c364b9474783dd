import { existsSync } from 'node:fs';
import { defineConfig, devices } from '@playwright/test';

/** Debian's own Chromium where it is installed; otherwise the one that `npx playwright install chromium` brought. */
const debianChromium = '/usr/bin/chromium';
const port = 8180;

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 30_000,
  workers: 2,
  forbidOnly: true,
  reporter: [['list'], ['html', { open: 'never' }]],
  use: {
    baseURL: `http://localhost:${port}`,
    trace: 'retain-on-failure',
    launchOptions: {
      ...(existsSync(debianChromium) ? { executablePath: debianChromium } : {}),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [{ name: 'chromium', use: { ...devices['Desktop Chrome'] } }],
  webServer: {
    command: 'node demo/server.mjs',
    env: { PORT: String(port) },
    url: `http://localhost:${port}`,
    stdout: 'ignore',
    stderr: 'pipe',
  },
});
