/** A browser with a page that runs browser-page.mjs. */
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as playwright from 'playwright';

/** Debian's own where it is installed; otherwise the one that Playwright installed. */
const installed = (path, options) => (existsSync(path) ? { executablePath: path, ...options } : {});

const launchers = {
  chromium: () =>
    playwright.chromium.launch({
      ...installed('/usr/bin/chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    }),
  firefox: () => {
    // As root, Firefox refuses a home directory that another user owns.
    const home = fileURLToPath(new URL('../.cache/firefox-home', import.meta.url));
    mkdirSync(home, { recursive: true });
    return playwright.firefox.launch({
      ...installed('/usr/bin/firefox-esr', { channel: 'moz-firefox' }),
      env: { ...process.env, HOME: home },
    });
  },
};

async function servePage() {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL('browser-page.mjs', import.meta.url))],
    bundle: true,
    write: false,
    logLevel: 'error',
    format: 'esm',
    conditions: ['browser'],
    platform: 'browser',
  });
  const http = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? bundle.outputFiles[0].text : '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${http.address().port}/`, close: () => http.close() };
}

/**
 * @param {keyof typeof launchers} name
 * @param {(page: import('playwright').Page) => Promise<T>} action
 * @returns {Promise<T>}
 * @template T
 */
export async function withPage(name, action) {
  const [server, browser] = [await servePage(), await launchers[name]()];
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error));
    await page.goto(server.url);
    await page.waitForFunction('globalThis.stream');
    return await action(page);
  } finally {
    await browser.close();
    server.close();
  }
}
