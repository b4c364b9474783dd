/** Installs the peers of bench/package.json, unless they are installed, and makes this package available beside them. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('./', import.meta.url);
const lock = readFileSync(new URL('package-lock.json', folder), 'utf8');
const installedLock = new URL('node_modules/.installed.json', folder);

export async function installPeers() {
  if (existsSync(installedLock) && readFileSync(installedLock, 'utf8') === lock) return;
  console.log('Installing the peers of bench/package.json');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: fileURLToPath(folder),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  // A dependency "file:.." would put the whole of package.json into this lock file, which each change of it would make invalid.
  symlinkSync(fileURLToPath(new URL('..', folder)), new URL('node_modules/gemsocket', folder), 'junction');
  writeFileSync(installedLock, lock);
}
