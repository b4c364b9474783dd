import { existsSync, readFileSync } from 'node:fs';
import { retry, run } from './run.mjs';

/** Installs node_modules when it is missing or differs from package-lock.json. */
export async function ensurePackages() {
  if (isInstalled()) return;
  console.log('Installing the npm packages (npm ci).');
  if (await retry(3, () => run('npm', ['ci']))) return;
  throw new Error('The npm packages could not be installed. Run: npm ci');
}

/** npm keeps a list of the installed packages inside node_modules; optional packages may be absent from it. */
function isInstalled() {
  if (!existsSync('node_modules/.package-lock.json')) return false;
  const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const present = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')).packages;
  return Object.entries(wanted).every(([path, { version, optional }]) => path === '' || optional || present[path]?.version === version);
}
