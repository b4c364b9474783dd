import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, test } from '@playwright/test';
import { platforms } from '../test/conformance/facts.js';
import { casesFor, type Result, verdictOn } from '../test/conformance/run.js';
import type { Home, Job, RunnerPage } from './conformance/runner.js';
import { serve } from './conformance/served.js';

const native: Job = { entry: 'browser.js', platform: 'chromium' };
const scriptTag: Job = { entry: 'gemsocket.iife.js', platform: 'chromium' };
const stream: Job = { entry: 'browser.js', platform: 'chromiumStream', transport: 'websocket-stream.js' };

const HOMES: readonly { readonly name: string; readonly home: Home; readonly job: Job }[] = [
  { name: 'a page', home: 'page', job: native },
  { name: 'a dedicated worker', home: 'worker', job: native },
  { name: 'a shared worker', home: 'sharedWorker', job: native },
  { name: 'a page with the script tag', home: 'page', job: scriptTag },
  { name: 'a page with WebSocketStream', home: 'page', job: stream },
  { name: 'a dedicated worker with WebSocketStream', home: 'worker', job: stream },
];

for (const { name, home, job } of HOMES) {
  test.describe(`conformance: Chromium, ${name}`, () => {
    let results: Result[];

    test.beforeAll(async ({ browser }, testInfo) => {
      testInfo.setTimeout(240_000);
      // Kept for the run: after a failed test Playwright starts a new worker, which finds the results here.
      const file = join(testInfo.project.outputDir, `conformance ${job.platform} ${name}.json`);
      const kept = await readFile(file, 'utf8').catch(() => undefined);
      results = kept === undefined ? await runSuiteIn(browser, home, job) : (JSON.parse(kept) as Result[]);
      await mkdir(testInfo.project.outputDir, { recursive: true });
      await writeFile(file, JSON.stringify(results));
    });

    for (const one of casesFor(platforms[job.platform])) test(one.name, () => verdictOn(one, results));
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
