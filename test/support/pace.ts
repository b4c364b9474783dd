import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

/** How many test files, or browsers, run at once: enough for two cores, within the memory of a small machine. */
export const JOBS = Math.min(Math.max(availableParallelism(), 2), 4);

/** The time that the work below takes on two quiet cores, on which the limits of the tests are stated. */
const REFERENCE_MS = 340;
/** A limit has an end even on the slowest machine. */
const MAX_PACE = 40;
const ROUNDS = 3;
const VARIABLE = 'GEMSOCKET_PACE';
/** The number of runners that share the machine. The others may not have started when the pace is measured. */
const RUNNERS = 'GEMSOCKET_RUNNERS';

/** The typical work of the tests: starting a process, running JavaScript, native code, and round trips over loopback. */
const WORK = `
  const { createHash } = require('node:crypto');
  const { connect, createServer } = require('node:net');
  let sum = 0;
  for (let index = 0; index < 1e7; index++) sum = (sum * 31 + index) | 0;
  const block = Buffer.alloc(1024 * 1024, sum);
  for (let index = 0; index < 20; index++) createHash('sha256').update(block).digest();
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, '127.0.0.1', () => {
    let left = 1000;
    const socket = connect(server.address().port, '127.0.0.1', () => socket.write('x'));
    socket.on('data', () => (--left > 0 ? socket.write('x') : process.exit(0)));
  });
`;

/**
 * Measures how many times slower this machine is now than the one on which the limits are stated: 1 if it is as fast or
 * faster. All jobs do the work at the same time, so few, slow and busy cores all count. The configuration
 * of each runner calls it once; the processes that the runner starts inherit the result.
 */
export async function measurePace(): Promise<number> {
  if (process.env[VARIABLE] === undefined) {
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await timeOf(JOBS));
    const pace = Math.min((Math.max(...rounds) / REFERENCE_MS) * runners(), MAX_PACE);
    process.env[VARIABLE] = Math.max(pace, 1).toFixed(2);
    console.log(`Pace ${process.env[VARIABLE]}: every limit of a wait is multiplied by it.`);
  }
  return pace();
}

/** The time limit for work that takes well under `ms` on two quiet cores. It only elapses when a test fails. */
export function limit(ms: number): number {
  return Math.ceil(ms * pace());
}

/** How long a test with random inputs runs if it runs for `ms` on two quiet cores. Other runners do not lengthen it. */
export function allowance(ms: number): number {
  return Math.ceil((ms * pace()) / runners());
}

/** The factor that the runner has measured; 1 without a measurement. */
export function pace(): number {
  return Number(process.env[VARIABLE] ?? 1);
}

function runners(): number {
  return Number(process.env[RUNNERS] ?? 1);
}

async function timeOf(jobs: number): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: jobs }, () => once(spawn(process.execPath, ['-e', WORK], { stdio: 'ignore' }), 'close')));
  return performance.now() - startedAt;
}
