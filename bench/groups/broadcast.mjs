/** The server's CPU for each delivery of a broadcast. */
import { setTimeout } from 'node:timers/promises';
import { crowdRoles } from '../crowd.mjs';

export const name = 'broadcast';
export const title = 'Broadcast';
export const about =
  "Microseconds of the server's CPU for each client that a message is delivered to. The next tick begins 50 ms after the last one, or once every client has every message, whichever is later.";
export const sides = ['ws', 'uws', 'socket-io', 'gemsocket-plain', 'gemsocket-session'];

const loads = {
  one: { label: '64 B, one a tick, 1,000 clients', bytes: 64, perTick: 1, clients: 1000, plain: 0.75, session: 1 },
  ten: { label: '64 B, ten a tick, 1,000 clients', bytes: 64, perTick: 10, clients: 1000, plain: 0.11, session: 0.15 },
  large: { label: '16 KiB, one a tick, 500 clients', bytes: 16384, perTick: 1, clients: 500, plain: 0.7, session: 0.75 },
};
const TICK_MS = 50;

export const rows = Object.entries(loads).map(([key, { label, plain, session }]) => ({
  key,
  label,
  unit: 'µs',
  targets: { 'gemsocket-plain': { most: plain }, 'gemsocket-session': { most: session } },
}));

export const roles = {
  ...crowdRoles,
  server: async (side) => {
    const server = await side.serve(() => {});
    return {
      port: () => server.port,
      broadcast: (bytes, times) => {
        const text = 'x'.repeat(bytes);
        for (let sent = 0; sent < times; sent++) server.broadcast(text);
      },
    };
  },
};

export async function measure({ start, isQuick }) {
  const [server, clients] = [await start('server'), await start('clients')];
  const port = await server.call('port');
  const tick = async ({ bytes, perTick, clients: count }) => {
    const received = clients.call('received', perTick * count);
    await Promise.all([received, server.call('broadcast', bytes, perTick), setTimeout(TICK_MS)]);
  };
  const results = {};
  for (const [key, load] of Object.entries(loads)) {
    await clients.call('resize', port, load.clients);
    for (let ticks = 0; ticks < 5; ticks++) await tick(load);
    const ticks = isQuick ? 5 : 30;
    const before = await server.call('cpuUs');
    for (let done = 0; done < ticks; done++) await tick(load);
    results[key] = ((await server.call('cpuUs')) - before) / (ticks * load.perTick * load.clients);
  }
  return results;
}
