import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PlatformName, platforms } from './facts.js';
import { casesFor, type Result, verdictOn } from './run.js';
import { node22, type Runtime, runIn } from './runtimes.js';
import { startTestServer, type TestServer } from './server.js';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, '.cache/conformance/child.mjs');

/** The standard entry is for runtimes that are not Node; here they are stood for by Node's own global WebSocket. */
const RUNTIMES: readonly { readonly name: string; readonly platform: PlatformName; readonly runtime: Runtime }[] = [
  { name: 'the global WebSocket of Node 22', platform: 'node22Global', runtime: node22 },
];

let server: TestServer;
let inputs: string[];

beforeAll(async () => {
  server = await startTestServer();
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['test/conformance/child.ts'],
    outfile: PROGRAM,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    metafile: true,
  });
  inputs = Object.keys(metafile.inputs);
});

afterAll(() => server.close());

it('the standard entry needs no package at run time', () => {
  expect(inputs.filter((path) => !path.startsWith('src/') && !path.startsWith('test/'))).toEqual([]);
});

for (const { name, platform, runtime } of RUNTIMES) {
  describe(`conformance: ${name}`, () => {
    let results: Result[];

    beforeAll(async () => {
      const stdout = await runIn(runtime, PROGRAM, [`http://127.0.0.1:${server.port}`, platform]);
      results = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result[];
    }, 240_000); // the runtime may have to be installed first

    for (const one of casesFor(platforms[platform])) it(one.name, () => verdictOn(one, results));
  });
}
