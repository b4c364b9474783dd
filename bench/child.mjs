/**
 * One process of a benchmark: `node bench/child.mjs <group> <role> <side>`. It offers the functions of a role of the group, with the
 * side's implementation, and the measurements of its own process. See harness.mjs.
 */
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
};
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
