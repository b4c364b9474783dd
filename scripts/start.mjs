/** `npm start`: the demo on http://localhost:8080, even from a fresh clone. */
import { ensurePackages } from './packages.mjs';
import { run } from './run.mjs';

try {
  await ensurePackages();
  if (!(await run('npm', ['run', '--silent', 'build']))) throw new Error('The build failed, so there is no demo to start.');
  await import('../demo/server.mjs');
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}
