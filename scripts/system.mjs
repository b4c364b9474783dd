import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { missingPackages } from './programs.mjs';
import { retry, run } from './run.mjs';

const DEBIAN_CHROMIUM = '/usr/bin/chromium';
/** Debian's hook that decides whether an installed service starts: 101 is no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Sees to a Chromium for the tests that need a browser; throws with the command that installs one. */
export async function ensureBrowser() {
  if (await hasBrowser()) return;
  // On Ubuntu the package of that name is a snap, which no container can run.
  if (isRoot() && distribution() === 'debian') await aptInstall(['chromium']);
  else await run('npx', ['playwright', 'install', ...(isRoot() ? ['--with-deps'] : []), 'chromium']);
  if (await hasBrowser()) return;
  const command = distribution() === 'debian' ? 'sudo apt-get install -y chromium' : 'npx playwright install --with-deps chromium';
  throw new Error(`The tests need a browser, and none could be installed. Run: ${command}`);
}

/** Installs what the interop tests talk to, where that is possible; `missingPackages()` tells the rest. */
export async function ensurePrograms() {
  const missing = missingPackages();
  if (missing.length > 0 && isRoot() && ['debian', 'ubuntu'].includes(distribution())) await aptInstall(missing);
}

async function hasBrowser() {
  if (starts(DEBIAN_CHROMIUM)) return true;
  const { chromium } = await import('playwright');
  return starts(chromium.executablePath());
}

/** Asking for the version loads its libraries too: a browser that lacks some is none. */
function starts(browser) {
  if (!existsSync(browser)) return false;
  try {
    execFileSync(browser, ['--version'], { stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

async function aptInstall(packages) {
  console.log(`Installing Debian packages: ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const options = ['-o', 'Acquire::Retries=1', '-o', 'DPkg::Lock::Timeout=120'];
  await withoutServices(() =>
    retry(2, async () => {
      await run('apt-get', [...options, 'update', '-q'], env);
      return run('apt-get', [...options, 'install', '-q', '-y', '--no-install-recommends', ...packages], env);
    }),
  );
}

/** Nothing that is installed for a test is to listen on this machine's ports. */
async function withoutServices(action) {
  if (existsSync(SERVICE_POLICY)) return action();
  await writeFile(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await action();
  } finally {
    await rm(SERVICE_POLICY);
  }
}

function isRoot() {
  return process.getuid?.() === 0;
}

function distribution() {
  if (!existsSync('/etc/os-release')) return process.platform;
  return /^ID="?([^"\n]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
}
