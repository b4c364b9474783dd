/** Packs the built package, as it would be published, to .cache/gemsocket.tgz, for the checks of the package. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';

mkdirSync('.cache', { recursive: true });
const answer = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', '.cache'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  shell: process.platform === 'win32',
});
renameSync(`.cache/${JSON.parse(answer)[0].filename}`, '.cache/gemsocket.tgz');
