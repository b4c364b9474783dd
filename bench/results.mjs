/** The latest results of each group, in bench/results/, with the machine that measured them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem, type } from 'node:os';

const fileOf = (name) => new URL(`./results/${name}.json`, import.meta.url);

export function describeMachine() {
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: type(),
    node: `Node ${process.version}`,
    load: `load average ${loadavg()[0].toFixed(1)} before the run`,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Three digits more than a table shows are kept. */
export function saveResults({ name }, { machine, rounds, results }) {
  mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
  const round = (_, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value);
  writeFileSync(fileOf(name), `${JSON.stringify({ machine, rounds, results }, round, 1)}\n`);
}

/** @returns the results of the group, or undefined if it was never measured. */
export function loadResults(name) {
  return existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), 'utf8')) : undefined;
}
