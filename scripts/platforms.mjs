/**
 * `npm run test:platforms`: the conformance suite on every platform, and the matrix of its results. Fails if a case
 * fails or a platform is missing. `--report` only prints the results of the last runs; `--write` also writes the matrix
 * to docs/platforms.json and docs/platforms.md, and its sentence to README.md, if it is complete.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lineOf, problemsOf, summaryOf, tablesOf, withPlatforms } from './matrix.mjs';
import { run } from './run.mjs';

const RUNS = 'test-results/conformance';

const { values } = parseArgs({ options: { report: { type: 'boolean' }, write: { type: 'boolean' } } });
const passed = values.report || (await runAll());
const runs = readRuns();
const summary = summaryOf(runs);
const problems = problemsOf(summary);
report();
if (values.write && problems.length === 0) write();
if (!passed || problems.length > 0) process.exitCode = 1;

/** A platform without results after these did not run. */
async function runAll() {
  rmSync(RUNS, { recursive: true, force: true });
  if (!(await run('npm', ['run', '--silent', 'build']))) return false;
  const steps = [
    ['playwright', 'test', String.raw`conformance(-chromium|-firefox|-webkit)?\.spec`, '--reporter=dot'],
    ['vitest', 'run', '--project', 'platforms', '--reporter=dot'],
  ];
  let passed = true;
  for (const step of steps) passed = (await run('npx', step)) && passed;
  return passed;
}

function readRuns() {
  let files = [];
  try {
    files = readdirSync(RUNS).filter((file) => file.endsWith('.json'));
  } catch {
    // no results
  }
  return files.map((file) => JSON.parse(readFileSync(join(RUNS, file), 'utf8')));
}

function report() {
  console.log(`\n${tablesOf(summary)}\n`);
  for (const { platform, home, link, results } of runs) {
    for (const { name, failure } of results) {
      if (failure !== undefined) console.log(`FAILED ${[platform, home, link].filter(Boolean).join('-')}: ${name}\n  ${failure}`);
    }
  }
  for (const problem of problems) console.log(`✗ ${problem}`);
  const [cases, ms] = [runs.flatMap(({ results }) => results), (all) => all.reduce((sum, result) => sum + result.ms, 0)];
  console.log(`${runs.length} runs, ${cases.length} cases, ${(ms(cases) / 1000).toFixed(0)} s of cases, ${problems.length} problems`);
}

function write() {
  writeFileSync('docs/platforms.json', `${JSON.stringify(summary, undefined, 2)}\n`);
  for (const [file, text] of [
    ['docs/platforms.md', tablesOf(summary)],
    ['README.md', lineOf(summary)],
  ]) {
    writeFileSync(file, withPlatforms(readFileSync(file, 'utf8'), text));
  }
}
