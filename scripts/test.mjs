/**
 * `npm test`: everything, on any machine with Node. The cheapest checks run first, and the first failure ends the run.
 */
import { missingPackages } from './programs.mjs';
import { runSteps } from './steps.mjs';

const npmRun = (name, script, ...args) => ({ name, command: ['npm', 'run', '--silent', script, ...args] });

const startedMs = performance.now();
const passed = await runSteps([
  { name: 'setup', command: ['node', 'scripts/setup.mjs'] },
  npmRun('build', 'build'),
  [
    npmRun('types', 'types'),
    npmRun('lint', 'lint'),
    npmRun('package', 'check:package'),
    npmRun('unused', 'check:unused'),
    npmRun('size', 'size'),
  ],
  // The browsers wait for much of their time, so the others run beside them; the browsers start first because they take the longest.
  [
    npmRun('browser', 'test:browser'),
    npmRun('tests with coverage', 'test:coverage'),
    npmRun('runtimes', 'test:runtimes'),
    npmRun('packaging', 'test:packaging'),
  ],
  { name: 'platforms', command: ['node', 'scripts/platforms.mjs', '--report'] },
]);
const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
console.log(`\n${passed ? 'All passed' : 'FAILED'}, after ${minutes} minutes.`);
for (const name of missingPackages()) console.log(`NOT RUN: the interop tests that need ${name} (apt-get install ${name})`);
if (!passed) process.exitCode = 1;
