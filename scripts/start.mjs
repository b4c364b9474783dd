/** `npm start`: the demo on http://localhost:8080, from a fresh clone too. */
import { ensurePackages } from './packages.mjs';
import { run } from './run.mjs';

await ensurePackages();
const isBuilt = await run('npm', ['run', '--silent', 'build']);
if (isBuilt) await import('../demo/server.mjs');
else process.exitCode = 1;
