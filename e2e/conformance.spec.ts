import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, test } from '@playwright/test';
import { platforms } from '../test/conformance/facts.js';
import { casesFor, type Result, verdictOn } from '../test/conformance/run.js';
import type { Home, Job, RunnerPage } from './conformance/runner.js';
import { serve } from './conformance/served.js';

const PLATFORM = 'chromium';

interface Place {
  readonly name: string;
  readonly home: Home;
  readonly entry: string;
  /** A global that the page is to do without. */
  readonly without?: string;
  /** What is different here on purpose. */
  readonly otherwise?: RegExp;
}

const HOMES: readonly Place[] = [
  { name: 'a page', home: 'page', entry: 'browser.js' },
  { name: 'a dedicated worker', home: 'worker', entry: 'browser.js' },
  { name: 'a shared worker', home: 'sharedWorker', entry: 'browser.js' },
  {
    name: 'a page that shares its sockets with other tabs',
    home: 'page',
    entry: 'shared.js',
    otherwise: /its events carry the client, whichever|closeAll and disposal/, // two clients of one address: one socket, and each hears the other's echoes
  },
  { name: 'a page that would share its sockets and has no shared worker', home: 'page', entry: 'shared.js', without: 'SharedWorker' },
  { name: 'a page with the script tag', home: 'page', entry: 'gemsocket.iife.js' },
];

for (const { name, home, entry, without, otherwise } of HOMES) {
  test.describe(`conformance: Chromium, ${name}`, () => {
    let results: Result[];

    test.beforeAll(async ({ browser }, testInfo) => {
      testInfo.setTimeout(240_000);
      // Kept for the run: after a failed test Playwright starts a new worker, which finds the results here.
      const file = join(testInfo.project.outputDir, `conformance ${job.platform} ${name}.json`);
      const kept = await readFile(file, 'utf8').catch(() => undefined);
      results =
        kept === undefined ? await runSuiteIn(browser, home, { entry, platform: PLATFORM }, without) : (JSON.parse(kept) as Result[]);
      await mkdir(testInfo.project.outputDir, { recursive: true });
      await writeFile(file, JSON.stringify(results));
    });

    const cases = casesFor(platforms[PLATFORM]).filter((one) => otherwise?.test(one.name) !== true);
    for (const one of cases) test(one.name, () => verdictOn(one, results));
  });
}

async function runSuiteIn(browser: Browser, home: Home, job: Job, without?: string): Promise<Result[]> {
  const server = await serve();
  const page = await browser.newPage();
  if (without !== undefined) await page.addInitScript((name) => Reflect.deleteProperty(globalThis, name), without);
  try {
    await page.goto(server.origin);
    return await page.evaluate(([where, what]) => (globalThis as unknown as RunnerPage).runIn(where, what), [home, job] as const);
  } finally {
    await page.close();
    await server.close();
  }
}
