/** Runs the steps of a long check and reports the result and duration of each; at the end it prints the output of the first failure again. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { isScript } from './run.mjs';

/** The end of the failed step's output, where every tool has its summary. */
const REPEATED_LINES = 60;
const KEPT_CHARACTERS = 100_000;

/**
 * @param {readonly (Step | readonly Step[])[]} stages one after another; the steps of one stage run side by side, and print when they
 *   are done. The first stage that fails is the last that runs.
 * @returns {Promise<boolean>} whether all passed.
 * @typedef {{ readonly name: string, readonly command: readonly string[], readonly env?: Readonly<Record<string, string>> }} Step
 */
export async function runSteps(stages) {
  const results = [];
  for (const stage of stages) {
    if (Array.isArray(stage)) results.push(...(await runTogether(stage)));
    else results.push(await runStep(stage, (text) => process.stdout.write(text)));
    if (results.some(({ passed }) => !passed)) break;
  }
  report(stages.flat(), results);
  return results.every(({ passed }) => passed) && results.length === stages.flat().length;
}

/** Runs as many steps at a time as there are cores. The number is passed to each, because the limits of its waits depend on it. */
async function runTogether(steps) {
  const waiting = [...steps];
  const runners = Math.max(availableParallelism(), 2);
  const results = [];
  const runNext = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      let output = '';
      const keep = (text) => {
        output += text;
      };
      results.push(await runStep({ ...step, env: { ...step.env, GEMSOCKET_RUNNERS: String(runners) } }, keep));
      process.stdout.write(output);
    }
  };
  await Promise.all(Array.from({ length: runners }, runNext));
  return results;
}

async function runStep({ name, command: [program, ...args], env = {} }, print) {
  const startedMs = performance.now();
  print(`\n━━ ${name}\n`);
  let output = '';
  const hear = (text) => {
    output = (output + text).slice(-KEPT_CHARACTERS);
    print(text);
  };
  const passed = await new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}), ...env },
      shell: isScript(program),
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
    child.on('error', (error) => {
      hear(`${program}: ${error.message}\n`);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
  return { name, passed, output, seconds: (performance.now() - startedMs) / 1000 };
}

function report(steps, results) {
  console.log('');
  for (const { name } of steps) {
    const result = results.find((one) => one.name === name);
    const verdict = result === undefined ? 'not reached' : result.passed ? 'passed' : 'FAILED';
    console.log(`${name.padEnd(32)} ${verdict.padEnd(12)} ${result === undefined ? '' : `${result.seconds.toFixed(1).padStart(7)} s`}`);
  }
  const failed = results.find(({ passed }) => !passed);
  if (failed === undefined) return;
  const lines = failed.output.trimEnd().split('\n').slice(-REPEATED_LINES);
  console.log(`\n━━ ${failed.name} failed. The end of its output:\n\n${lines.join('\n')}`);
}
