import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LinkName, PlatformName } from '../../test/conformance/facts.js';
import { type Run, saveRun } from '../../test/conformance/results.js';
import { casesOf, type Result, verdictOn } from '../../test/conformance/run.js';
import type { Engine } from '../engines/engine.js';
import { test } from '../engines/test.js';
import type { Home, RunnerPage } from './runner.js';
import { serve } from './served.js';

/** Where the suite runs in each browser, and what with: the modules, or the script that makes a global. */
const PLACES = [
  { name: 'a page', home: 'page', isScriptTag: false },
  { name: 'a dedicated worker', home: 'worker', isScriptTag: false },
  { name: 'a shared worker', home: 'sharedWorker', isScriptTag: false },
  { name: 'a page with the script tag', home: 'page', isScriptTag: true },
] as const satisfies readonly Place[];

interface Place {
  readonly name: string;
  readonly home: Home;
  readonly isScriptTag: boolean;
}

/** The whole suite as tests, in every place of the browser. */
export function describeConformance(title: string, platform: PlatformName): void {
  test.use({ trace: 'off' }); // the tests only look at what a run left
  for (const link of ['plain', 'session'] as const) {
    for (const place of PLACES) describeRun(`conformance: ${title}, ${place.name}, ${link}`, platform, place, link);
  }
}

function describeRun(title: string, platform: PlatformName, place: Place, link: LinkName): void {
  test.describe(title, () => {
    let run: Run;

    test.beforeAll(async ({ engine }, testInfo) => {
      testInfo.setTimeout(240_000);
      // Kept until the next start of Playwright: after a failed test it begins a new worker, which finds the results here.
      const kept = join(testInfo.project.outputDir, `${title}.json`);
      const text = await readFile(kept, 'utf8').catch(() => undefined);
      run = text === undefined ? await runIn(engine, platform, place, link) : (JSON.parse(text) as Run);
      await mkdir(testInfo.project.outputDir, { recursive: true });
      await writeFile(kept, JSON.stringify(run));
      await saveRun(run);
    });

    for (const one of casesOf(platform, link)) test(one.name, () => verdictOn(one, run.results));
  });
}

async function runIn(engine: Engine, platform: PlatformName, { home, isScriptTag }: Place, link: LinkName): Promise<Run> {
  await using server = await serve(link);
  await using tab = await engine.open();
  await tab.goto(server.origin);
  const job = { origin: server.origin, platform, link, isScriptTag };
  await tab.evaluate(([where, what]) => (globalThis as unknown as RunnerPage).report(where, what), [home, job] as const);
  const results = JSON.parse(await server.report) as Result[] | string;
  if (typeof results === 'string') throw new Error(results);
  return { platform, home: isScriptTag ? 'script' : home, link, version: tab.version, results };
}
