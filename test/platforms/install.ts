import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Runtime } from './runtimes.js';

const run = promisify(execFile);

/** Not in node_modules: each of these packages claims `.bin/node`. Ignored by git. */
const PREFIX = join(import.meta.dirname, '../../.runtimes');

/** Installs those that are missing, or are there in another version: 50 seconds for all. */
export async function install(runtimes: readonly Runtime[]): Promise<void> {
  const isThere = await Promise.all(runtimes.map(async (runtime) => (await installedVersion(runtime)) === runtime.version));
  const specs = new Set(runtimes.filter((_, index) => !isThere[index]).map(specOf));
  if (specs.size === 0) return;
  await run('npm', ['install', '--save-exact', '--no-audit', '--no-fund', '--prefix', PREFIX, ...specs], {
    shell: process.platform === 'win32',
  });
}

export function binaryOf({ folder, binary }: Runtime): string {
  return join(PREFIX, 'node_modules', folder, binary);
}

function specOf({ folder, packageName, version }: Runtime): string {
  return packageName === undefined ? `${folder}@${version}` : `${folder}@npm:${packageName}@${version}`;
}

async function installedVersion({ folder }: Runtime): Promise<string | undefined> {
  try {
    const { version } = JSON.parse(await readFile(join(PREFIX, 'node_modules', folder, 'package.json'), 'utf8')) as { version: string };
    return version;
  } catch {
    return undefined; // not installed
  }
}
