import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { missingPackages } from './programs.mjs';
import { retry, run } from './run.mjs';

/** Seconds, enough for a busy machine; a browser that hangs must end at some time. */
const STARTS_WITHIN_MS = 300_000;

/** Debian's hook that decides whether an installed service starts: 101 means no. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** The browsers of the tests, by their names in Playwright: Debian's own programs, each with the argument that makes it start and exit. */
const BROWSERS = {
  chromium: {
    debianPackages: ['chromium', 'chromium-headless-shell'],
    programs: [
      ['/usr/bin/chromium', '--version'],
      ['/usr/bin/chromium-headless-shell', '--version'],
    ],
  },
  firefox: { debianPackages: ['firefox-esr'], programs: [['/usr/bin/firefox-esr', '--version']] },
  webkit: {
    debianPackages: ['webkit2gtk-driver', 'xvfb'],
    programs: [
      ['/usr/bin/WebKitWebDriver', '--help'],
      ['/usr/bin/Xvfb', '-help'],
    ],
  },
};

/** Checks the browsers of the tests; throws with the command that installs the missing ones. */
export async function ensureBrowsers() {
  const missing = await missingBrowsers();
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => BROWSERS[name].debianPackages);
  // On Ubuntu the packages of these names are snaps, which no container can run.
  if (isRoot() && distribution() === 'debian') await aptInstall(packages);
  else await run('npx', ['playwright', 'install', ...(isRoot() ? ['--with-deps'] : []), ...missing]);
  const still = await missingBrowsers();
  if (still.length === 0) return;
  const command =
    distribution() === 'debian'
      ? `sudo apt-get install -y ${still.flatMap((name) => BROWSERS[name].debianPackages).join(' ')}`
      : `npx playwright install --with-deps ${still.join(' ')}`;
  throw new Error(`The tests need browsers that are missing and could not be installed. Run: ${command}`);
}

/** Installs the peers of the interop tests where possible; `missingPackages()` returns the remaining ones. */
export async function ensurePrograms() {
  const missing = missingPackages();
  if (missing.length > 0 && isRoot() && ['debian', 'ubuntu'].includes(distribution())) await aptInstall(missing);
}

async function missingBrowsers() {
  const playwright = await import('playwright');
  const isPresent = (name) => BROWSERS[name].programs.every(starts) || starts([playwright[name].executablePath(), '--version']);
  return Object.keys(BROWSERS).filter((name) => !isPresent(name));
}

/** A browser loads its libraries to start and exit, so one that lacks a library counts as missing. */
function starts([program, argument]) {
  if (!existsSync(program)) return false;
  try {
    execFileSync(program, [argument], { stdio: 'ignore', timeout: STARTS_WITHIN_MS });
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

/** No package that is installed for a test may listen on this machine's ports. */
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
