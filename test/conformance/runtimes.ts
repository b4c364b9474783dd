import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Not in node_modules: each of these packages claims `.bin/node`. Ignored by git. */
const PREFIX = join(import.meta.dirname, '../../.runtimes');

/** A JavaScript runtime that npm can install, whatever runtime the machine has. */
export interface Runtime {
  /** What `npm install` is told. */
  readonly spec: string;
  /** Under node_modules. */
  readonly binary: string;
  /** Before the program. */
  readonly args: readonly string[];
}

const isWindows = process.platform === 'win32';
const nodePackage = `node-${isWindows ? 'win' : process.platform}-${process.arch}`;

/** The first line of Node with a global WebSocket. */
export const node22: Runtime = {
  spec: `node22@npm:${nodePackage}@22.23.3`,
  binary: `node22/bin/node${isWindows ? '.exe' : ''}`,
  args: [],
};

/** The path of its binary, installed now if it is not there yet. */
export async function install({ spec, binary }: Runtime): Promise<string> {
  const path = join(PREFIX, 'node_modules', binary);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', PREFIX, spec], { shell: isWindows });
  return path;
}

/** What the program writes to stdout. Rejects with all that it wrote when it fails. */
export async function runIn(runtime: Runtime, program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(await install(runtime), [...runtime.args, program, ...args], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}
