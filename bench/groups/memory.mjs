/** The memory of the server for an idle connection. */
import { setTimeout } from 'node:timers/promises';
import { crowdRoles } from '../crowd.mjs';

export const name = 'memory';
export const title = 'Memory of an idle connection';
export const about =
  "The growth of the server's resident memory (RSS), after a garbage collection, divided by the number of connections. A few connections that were closed before have loaded the code.";
export const sides = ['ws', 'uws', 'socket-io', 'gemsocket-plain', 'gemsocket-session'];
export const rows = [
  {
    key: 'resident',
    label: 'RSS of an idle connection',
    unit: 'KiB',
    isAbsolute: true,
    targets: { 'gemsocket-plain': { most: 14 }, 'gemsocket-session': { most: 22 } },
  },
];

/** For what a handshake leaves behind: timers of a closing socket, batches of acknowledgements. */
const SETTLE_MS = 1000;

export const roles = crowdRoles;

export async function measure({ start, isQuick }) {
  const [server, clients] = [await start('server'), await start('clients')];
  const port = await server.call('port');
  const [warmUp, count] = isQuick ? [50, 500] : [100, 4000];
  const residentWith = async (connections) => {
    await clients.call('resize', port, connections);
    await setTimeout(SETTLE_MS);
    return server.call('residentBytes');
  };
  await residentWith(warmUp);
  const before = await residentWith(0);
  return { resident: ((await residentWith(count)) - before) / 1024 / count };
}
