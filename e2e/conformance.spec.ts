import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, test } from '@playwright/test';
import { platforms } from '../test/conformance/facts.js';
import { casesFor, type Result, verdictOn } from '../test/conformance/run.js';
import type { Home, Job, RunnerPage } from './conformance/runner.js';
import { serve } from './conformance/served.js';

const PLATFORM = 'chromium';
const HOMES: readonly { readonly name: string; readonly home: Home; readonly entry: string }[] = [
  { name: 'a page', home: 'page', entry: 'browser.js' },
  { name: 'a dedicated worker', home: 'worker', entry: 'browser.js' },
  { name: 'a shared worker', home: 'sharedWorker', entry: 'browser.js' },
  { name: 'a page with the script tag', home: 'page', entry: 'gemsocket.iife.js' },
];

for (const { name, home, entry } of HOMES) {
  test.describe(`conformance: Chromium, ${name}`, () => {
    let results: Result[];

    test.beforeAll(async ({ browser }, testInfo) => {
      testInfo.setTimeout(240_000);
      // Kept for the run: after a failed test Playwright starts a new worker, which finds the results here.
      const file = join(testInfo.project.outputDir, `conformance ${PLATFORM} ${name}.json`);
      const kept = await readFile(file, 'utf8').catch(() => undefined);
      results = kept === undefined ? await runSuiteIn(browser, home, { entry, platform: PLATFORM }) : (JSON.parse(kept) as Result[]);
      await mkdir(testInfo.project.outputDir, { recursive: true });
      await writeFile(file, JSON.stringify(results));
    });

    for (const one of casesFor(platforms[PLATFORM])) test(one.name, () => verdictOn(one, results));
  });
}

async function runSuiteIn(browser: Browser, home: Home, job: Job): Promise<Result[]> {
  const server = await serve();
  const page = await browser.newPage();
  try {
    await page.goto(server.origin);
    return await page.evaluate(([where, what]) => (globalThis as unknown as RunnerPage).runIn(where, what), [home, job] as const);
  } finally {
    await page.close();
    await server.close();
  }
}
