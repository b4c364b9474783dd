import { execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { Job, Result } from '../conformance/run.js';
import { limit } from '../support/pace.js';
import { binaryOf } from './install.js';
import { CHILD, WORKER_CONFIG } from './programs.js';
import type { Runtime } from './runtimes.js';

const run = promisify(execFile);

/** Many times what the slowest takes, which is 20 seconds. */
const TIMEOUT_MS = limit(180_000);

/** Runs the suite in the runtime; rejects with what it wrote when it fails, or takes too long. */
export async function runIn(runtime: Runtime, job: Job): Promise<Result[]> {
  return runtime.args === undefined ? runInWorker(runtime, job) : runInProcess(runtime, runtime.args, job);
}

/** The program ends by itself when this process does: its standard input ends then. */
async function runInProcess(runtime: Runtime, args: readonly string[], job: Job): Promise<Result[]> {
  const { stdout } = await run(binaryOf(runtime), [...args, CHILD, JSON.stringify(job)], {
    env: { ...process.env, NODE_OPTIONS: '', DENO_NO_UPDATE_CHECK: '1' },
    maxBuffer: 16 * 1024 * 1024,
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Result[];
}

async function runInWorker(runtime: Runtime, job: Job): Promise<Result[]> {
  // What it says of connections that cases mean to fail is of no use; on the third descriptor it tells its port.
  const child = spawn(binaryOf(runtime), ['serve', '--control-fd=3', WORKER_CONFIG], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const port = await portOf(child.stdio[3] as Readable, signal);
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(job), signal });
    if (!response.ok) throw new Error(`The Worker answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Result[];
  } finally {
    process.removeListener('exit', kill);
    kill();
  }
}

async function portOf(control: Readable, signal: AbortSignal): Promise<number> {
  signal.addEventListener('abort', () => control.destroy(signal.reason as Error));
  for await (const chunk of control) {
    const port = /"port":(\d+)/.exec(String(chunk))?.[1];
    if (port !== undefined) return Number(port);
  }
  throw new Error('workerd ended before it listened.');
}
