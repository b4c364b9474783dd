import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { chromiumOptions } from '../support/browsers.js';
import { limit } from '../support/pace.js';
import { servePages } from '../support/page-server.js';

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ ...chromiumOptions, timeout: limit(30_000) });
});

afterAll(() => browser.close());

/** Opens a page beside the installed dist/ folder; `ADDRESS` in the html is replaced by the address of the echo server. */
async function inPage(html: string, use: (page: Page) => Promise<void>): Promise<void> {
  const dist = join(inject('installation'), 'node_modules/gemsocket/dist');
  await using server = await servePages((path) => {
    if (path === '/') return html;
    return path.startsWith('/dist/') ? readFileSync(join(dist, path.slice('/dist/'.length))) : undefined;
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(limit(30_000));
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`http://${server.address}/`);
  await use(page);
  await page.close();
  expect(errors).toEqual([]);
}

const answer = (page: Page) => page.waitForFunction(() => document.title).then((title) => title.jsonValue());

const echo = (library: string, text: string) => `
  const client = await ${library}.connect(location.host, { type: 'insecure' });
  client.on('message', (message) => { document.title += message; });
  client.sendMessage('${text}');`;

const SHORT = 'INSECURE_ADDRESS: address ws://localhost/. See gemsocket/docs/errors.md#insecure_address';
const SENTENCE = "ws://localhost/ is not encrypted. Write wss://, or set type: 'insecure'.";

describe('the package in a page without a bundler', () => {
  test.each(['gemsocket.iife.js', 'gemsocket.dev.iife.js'])('the script tag of %s defines a global that connects', async (file) => {
    const html = `<script src="/dist/${file}"></script><script type="module">${echo('Gemsocket', 'script tag')}</script>`;
    await inPage(html, async (page) => expect(await answer(page)).toBe('script tag'));
  });

  test('an import map with the files as they are provides a client that connects', async () => {
    const html = `
      <script type="importmap">{ "imports": { "gemsocket": "/dist/browser.js" } }</script>
      <script type="module">import * as gemsocket from 'gemsocket'; ${echo('gemsocket', 'import map')}</script>`;
    await inPage(html, async (page) => expect(await answer(page)).toBe('import map'));
  });

  test.each([
    ['the same', 'gemsocket.iife.js', SHORT],
    ['one with sentences', 'gemsocket.dev.iife.js', SENTENCE],
  ])('two builds in one page, %s: noConflict() restores the global of the first, and both work', async (_builds, file, message) => {
    const html = `
      <script src="/dist/gemsocket.iife.js"></script>
      <script>const first = Gemsocket;</script>
      <script src="/dist/${file}?second"></script>
      <script type="module">
        const second = Gemsocket.noConflict();
        const errors = [first, second].map(({ SecureWebsocketClient }) => {
          try { new SecureWebsocketClient('ws://localhost'); } catch (error) { return error; }
        });
        window.seen = {
          isTwo: first !== second,
          isFirst: Gemsocket === first,
          areTheirOwn: errors.map((error) => [error instanceof first.WebsocketError, error instanceof second.WebsocketError]),
          codes: errors.map(({ code }) => code),
          messages: errors.map(({ message }) => message),
        };
        for (const [library, text] of [[first, 'one '], [second, 'two ']]) { ${echo('library', "' + text + '")} }
      </script>`;
    await inPage(html, async (page) => {
      await page.waitForFunction(() => document.title.includes('one') && document.title.includes('two'));
      expect(await page.evaluate('window.seen')).toEqual({
        isTwo: true,
        isFirst: true,
        areTheirOwn: [
          [true, false],
          [false, true],
        ],
        codes: ['INSECURE_ADDRESS', 'INSECURE_ADDRESS'],
        messages: [SHORT, message],
      });
    });
  });

  test('noConflict() of a single build leaves no global behind', async () => {
    const html = '<script src="/dist/gemsocket.iife.js"></script><script>const mine = Gemsocket.noConflict();</script>';
    await inPage(html, async (page) => {
      expect(await page.evaluate('[typeof mine.connect, "Gemsocket" in window]')).toEqual(['function', false]);
    });
  });

  test.each(['gemsocket.iife.js', 'gemsocket.dev.iife.js'])('the source map of %s leads to the TypeScript sources', (file) => {
    const dist = join(inject('installation'), 'node_modules/gemsocket/dist');
    const map = JSON.parse(readFileSync(join(dist, `${file}.map`), 'utf8')) as { sources: string[]; sourcesContent: string[] };
    const client = map.sources.findIndex((source) => source.endsWith('src/core/client.ts'));
    expect(map.sourcesContent[client]).toContain('class Client implements ExtensibleClient');
  });
});
