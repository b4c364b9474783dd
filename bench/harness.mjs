/**
 * Starts the processes of a benchmark and takes the sides in turn.
 *
 * @typedef {object} Group what a file in groups/ exports.
 * @property {string} name
 * @property {string} title
 * @property {string} about one sentence: what is measured, and how.
 * @property {readonly string[]} sides the first is the unit of the ratios.
 * @property {readonly Row[]} rows
 * @property {number} [rounds] unless the command line says otherwise.
 * @property {Readonly<Record<string, Role>>} [roles] each runs in a process of its own.
 * @property {(run: Run) => Promise<Readonly<Record<string, number>>>} measure one round of one side: a number for each row.
 *
 * @typedef {(side: import('./sides.mjs').Side | undefined, name: string) => Promise<Functions>} Role the side, and its name.
 *
 * @typedef {object} Row
 * @property {string} key
 * @property {string} label
 * @property {string} unit
 * @property {boolean} [isAbsolute] shown and judged as a number of units, not as a ratio.
 * @property {boolean} [isDetail] in the table, not in the plot.
 * @property {Readonly<Record<string, Target>>} [targets] by side.
 * @typedef {{ readonly least: number } | { readonly most: number }} Target
 *
 * @typedef {object} Run
 * @property {string} side
 * @property {boolean} isQuick a shorter measurement, to see whether it works.
 * @property {(role: string) => Promise<Child>} start starts a role; it ends with the round.
 * @typedef {Readonly<Record<string, (...args: any[]) => any>>} Functions
 *
 * `call` runs a function of the role, `stop` lets the process end by itself, and `kill` does not.
 * @typedef {{ readonly call: (name: string, ...args: readonly unknown[]) => Promise<any>, readonly stop: () => Promise<void>, readonly kill: () => Promise<void> }} Child
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url));
const NODE_OPTIONS = ['--expose-gc'];
/** A child that does not end by itself within this time is killed. */
const EXIT_MS = 30_000;

/**
 * Every round takes every side once, each in fresh processes, and every other round in reverse order, so that other load on the machine
 * and its temperature affect all sides alike.
 *
 * @param {Group} group
 * @returns {Promise<Record<string, Record<string, number[]>>>} the results by side and row.
 */
export async function runGroup(group, { rounds, isQuick, nodeOptions = [], onRound = () => {} }) {
  const results = Object.fromEntries(group.sides.map((side) => [side, Object.fromEntries(group.rows.map(({ key }) => [key, []]))]));
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? group.sides : group.sides.toReversed()) {
      onRound(round, side);
      const measured = await measureOnce(group, side, { isQuick, nodeOptions });
      for (const [key, value] of Object.entries(measured)) results[side][key].push(value);
    }
  }
  return results;
}

/** One round of one side. Its processes end with it, whatever happens. */
async function measureOnce(group, side, { isQuick, nodeOptions }) {
  const children = [];
  const start = async (role) => {
    const child = await startChild([group.name, role, side], nodeOptions);
    children.push(child);
    return child;
  };
  try {
    return await group.measure({ side, isQuick, start });
  } finally {
    for (const child of children.toReversed()) await child.stop();
  }
}

/** @returns {Promise<Child>} */
async function startChild(args, nodeOptions) {
  const child = fork(CHILD, args, { execArgv: [...NODE_OPTIONS, ...nodeOptions] });
  const pending = new Map();
  let lastId = 0;
  const ready = new Promise((resolve, reject) => pending.set('ready', { resolve, reject }));
  child.on('message', ({ id, error, result }) => {
    const call = pending.get(id);
    pending.delete(id);
    if (error === undefined) call.resolve(result);
    else call.reject(new Error(`${args.join(' ')}: ${error}`));
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of pending.values()) reject(new Error(`${args.join(' ')} ended with ${code ?? signal}`));
  });
  await ready;
  return {
    call: (name, ...callArgs) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        pending.set(lastId, { resolve, reject });
        child.send({ id: lastId, name, args: callArgs });
      }),
    stop: () => end(child, () => child.disconnect()),
    kill: () => end(child, () => child.kill('SIGKILL')),
  };
}

/** Resolves when the child has ended; does nothing if it has ended before. */
async function end(child, action) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const deadline = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
  action();
  await exited;
  clearTimeout(deadline);
}
