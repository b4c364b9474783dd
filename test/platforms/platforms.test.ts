import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LinkName } from '../conformance/facts.js';
import { saveRun } from '../conformance/results.js';
import { casesOf, type Result, verdictOn } from '../conformance/run.js';
import { startTestServer, type TestServer } from '../conformance/server.js';
import { startSessions } from '../conformance/session-peer.js';
import { limit, pace } from '../support/pace.js';
import { install } from './install.js';
import { makePrograms } from './programs.js';
import { runIn } from './run-in.js';
import { type Runtime, runtimes } from './runtimes.js';

const LINKS = ['plain', 'session'] as const satisfies LinkName[];

let servers: Readonly<Record<LinkName, TestServer>>;
let inputs: string[];

beforeAll(async () => {
  if (!existsSync('dist/standard.js')) throw new Error('These tests are of the built package. Run: npm run build');
  await install(runtimes);
  inputs = await makePrograms();
  servers = { plain: await startTestServer(), session: await startTestServer(new Map(), startSessions) };
}, limit(600_000));

afterAll(() => Promise.all(Object.values(servers ?? {}).map((server) => server.close())));

it('the standard entry needs no package at run time', () => {
  expect(inputs.filter((path) => !path.startsWith('dist/') && !path.startsWith('test/'))).toEqual([]);
});

for (const runtime of runtimes) {
  describe(`conformance: ${runtime.title}`, () => {
    let runs: Readonly<Record<LinkName, Outcome>>;

    beforeAll(async () => {
      const [plain, session] = await Promise.all(LINKS.map((link) => outcomeOf(runtime, link)));
      runs = { plain, session } as Record<LinkName, Outcome>;
    }, limit(240_000));

    for (const link of LINKS) {
      for (const one of casesOf(runtime.platform, link)) {
        it(`${link}: ${one.name}`, () => {
          if (runs[link].error !== undefined) throw runs[link].error;
          verdictOn(one, runs[link].results);
        });
      }
    }
  });
}

interface Outcome {
  readonly results: readonly Result[];
  /** Why there are none. */
  readonly error?: unknown;
}

async function outcomeOf(runtime: Runtime, link: LinkName): Promise<Outcome> {
  const { platform, version } = runtime;
  const job = { origin: `http://127.0.0.1:${servers[link].port}`, platform, link, pace: pace() };
  const outcome = await runIn(runtime, job).then(
    (results): Outcome => ({ results }),
    (error: unknown): Outcome => ({ results: [], error }),
  );
  await saveRun({ platform, link, version, results: outcome.results });
  return outcome;
}
