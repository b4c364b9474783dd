import { execFileSync } from 'node:child_process';

/** Beside its sockets a process has some open files of its own. */
const OWN_FILES = 200;

/**
 * Lets this process, and those that it starts from now on, open this many sockets. Node itself raises its limit as far as the hard limit
 * allows; the superuser may raise that one too.
 */
export function raiseFileLimit(sockets) {
  if (process.platform === 'win32') return;
  const needed = sockets + OWN_FILES;
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  if (limit === 'unlimited' || Number(limit) >= needed) return;
  try {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${needed}:${needed}`]);
  } catch (cause) {
    throw new Error(`${sockets} connections need a limit of ${needed} open files (ulimit -n); it is ${limit}.`, { cause });
  }
}
