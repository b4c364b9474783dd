/** `npm test`: everything, on any machine that has Node. What fails cheaply comes first, and the first failure ends the run. */
import { missingPackages } from './programs.mjs';
import { run } from './run.mjs';

const npmRun = (script) => () => run('npm', ['run', '--silent', script]);

const steps = [
  ['setup', () => run('node', ['scripts/setup.mjs'])],
  ['build', npmRun('build')],
  ['lint', npmRun('lint')],
  ['types', npmRun('types')],
  ['unused', npmRun('check:unused')],
  ['package', npmRun('check:package')],
  ['size', npmRun('size')],
  ['tests with coverage', npmRun('test:coverage')],
  ['packaging', npmRun('test:packaging')],
  ['browser', npmRun('test:browser')],
  ['runtimes', npmRun('test:runtimes')],
  ['platforms', () => run('node', ['scripts/platforms.mjs', '--report'])],
];

const results = [];
for (const [name, step] of steps) {
  console.log(`\n━━ ${name}`);
  const startedMs = performance.now();
  const passed = await step();
  results.push({ step: name, result: passed ? 'passed' : 'FAILED', seconds: ((performance.now() - startedMs) / 1000).toFixed(1) });
  if (!passed) break;
}
report();

function report() {
  const notReached = steps.slice(results.length).map(([step]) => ({ step, result: 'not reached', seconds: '' }));
  console.log('');
  for (const { step, result, seconds } of [...results, ...notReached]) {
    console.log(`${step.padEnd(32)} ${result.padEnd(12)} ${seconds.padStart(7)}${seconds && ' s'}`);
  }
  for (const name of missingPackages()) console.log(`\nNOT RUN: the interop tests that need ${name} (apt-get install ${name})`);
  if (results.some(({ result }) => result === 'FAILED')) process.exitCode = 1;
}
