import type { LinkName, PlatformName } from '../../test/conformance/facts.js';
import { type Run, saveRun } from '../../test/conformance/results.js';
import { casesOf, type Result, verdictOn } from '../../test/conformance/run.js';
import { limit, pace } from '../../test/support/pace.js';
import type { Engine } from '../engines/engine.js';
import { test } from '../test.js';
import type { Home, RunnerPage, Source } from './runner.js';
import { serve } from './served.js';

interface Place {
  readonly name: string;
  readonly home: Home;
  readonly source: Source;
  /** The pattern of the cases that do not run there, because the place is different on purpose. */
  readonly otherwise?: string;
}

/** Where the suite runs in every browser. */
const PLACES: readonly Place[] = [
  { name: 'a page', home: 'page', source: 'modules' },
  { name: 'a dedicated worker', home: 'worker', source: 'modules' },
  { name: 'a shared worker', home: 'sharedWorker', source: 'modules' },
  { name: 'a page with the script tag', home: 'page', source: 'script' },
];

/**
 * Two clients of one address have one socket, and each hears the other's echoes; and the worker may have begun another
 * attempt before it hears that the tab has ended them.
 */
const SHARED = 'its events carry the client, whichever|closeAll and disposal|a signal ends the attempts';

const SHARED_PLACES: readonly Place[] = [
  { name: 'a page that shares its sockets with other tabs', home: 'page', source: 'shared', otherwise: SHARED },
  { name: 'a page that would share its sockets and has no shared worker', home: 'page', source: 'unshared' },
];

const STREAM_PLACES: readonly Place[] = [
  { name: 'a page with WebSocketStream', home: 'page', source: 'stream' },
  { name: 'a dedicated worker with WebSocketStream', home: 'worker', source: 'stream' },
];

/** For a file of conformance tests, before them: its places are shared among the workers. */
export function runPlacesInParallel(): void {
  test.use({ trace: 'off' }); // a failure is of a case, which says why
  test.describe.configure({ mode: 'parallel' });
}

/** The whole suite, in every place of the browser. */
export function describeConformance(title: string, platform: PlatformName): void {
  for (const link of ['plain', 'session'] as const) describePlaces(title, platform, PLACES, link);
}

/** One socket for all tabs. */
export function describeShared(title: string, platform: PlatformName): void {
  describePlaces(title, platform, SHARED_PLACES, 'plain');
}

/** The other transport. */
export function describeStream(title: string, platform: PlatformName): void {
  describePlaces(title, platform, STREAM_PLACES, 'plain');
}

function describePlaces(title: string, platform: PlatformName, places: readonly Place[], link: LinkName): void {
  for (const place of places) describePlace(`conformance: ${title}, ${place.name}, ${link}`, platform, place, link);
}

/** One test for each place and one step for each case: a test of its own costs 20 ms, which is more than most cases take. */
function describePlace(title: string, platform: PlatformName, place: Place, link: LinkName): void {
  test(title, async ({ engine }) => {
    test.setTimeout(limit(240_000));
    const { results } = await runIn(engine, platform, place, link);
    const failures: string[] = [];
    for (const one of casesOf(platform, link, place.otherwise)) {
      await test.step(one.name, () => verdictOn(one, results)).catch((error) => failures.push(`${one.name}\n${error.message}`));
    }
    if (failures.length > 0) throw new Error(`${failures.length} cases failed:\n\n${failures.join('\n\n')}`);
  });
}

async function runIn(engine: Engine, platform: PlatformName, place: Place, link: LinkName): Promise<Run> {
  const { home, source, otherwise } = place;
  await using server = await serve(link);
  await using tab = await engine.open();
  await tab.goto(server.origin);
  const job = { origin: server.origin, platform, link, source, pace: pace(), ...(otherwise === undefined ? {} : { otherwise }) };
  await tab.evaluate(([where, what]) => (globalThis as unknown as RunnerPage).report(where, what), [home, job] as const);
  const results = JSON.parse(await server.report) as Result[] | string;
  if (typeof results === 'string') throw new Error(results);
  const run: Run = { platform, home: source === 'script' ? 'script' : home, link, version: tab.version, results };
  if (PLACES.includes(place)) await saveRun(run);
  return run;
}
