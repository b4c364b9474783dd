/**
 * One process of a benchmark: `node bench/child.mjs <group> <role> <side>`. It offers the functions of a role of the group, with the
 * side's implementation, and the measurements of its own process. See harness.mjs.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { loadSide } from './sides.mjs';

const [groupName, roleName, sideName] = process.argv.slice(2);
const { roles } = await import(`./groups/${groupName}.mjs`);
const ownProcess = {
  /** Microseconds of CPU that this process has used. */
  cpuUs: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  /** Bytes of memory that this process occupies after a garbage collection. */
  residentBytes: () => {
    for (let times = 0; times < 3; times++) globalThis.gc();
    return process.memoryUsage.rss();
  },
  /** The longest garbage collection of each kind since the last call, in milliseconds. */
  takePauses: () => {
    const taken = { ...pauses };
    for (const kind of Object.keys(pauses)) pauses[kind] = 0;
    return taken;
  },
};
const pauses = { minor: 0, major: 0, incremental: 0 };
const kinds = { [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor', [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major' };
new PerformanceObserver((list) => {
  for (const { duration, detail } of list.getEntries()) {
    const kind = kinds[detail.kind] ?? 'incremental';
    pauses[kind] = Math.max(pauses[kind], duration);
  }
}).observe({ entryTypes: ['gc'] });

const functions = { ...ownProcess, ...(await roles[roleName](await loadSide(sideName), sideName)) };

process.on('message', async ({ id, name, args }) => {
  try {
    process.send({ id, result: await functions[name](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on('disconnect', () => process.exit());
process.send({ id: 'ready' });
