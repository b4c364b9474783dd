/** One server process with 1,000, 3,000 and 10,000 connections. */
import { setTimeout } from 'node:timers/promises';
import { Crowd } from '../crowd.mjs';
import { raiseFileLimit } from '../file-limit.mjs';

export const name = 'scale';
export const title = 'Scale in one process';
export const about =
  'One server process and one client process. Linear cost is the same number in each size. "At rest" includes the pings. The server is killed, or closes with a LEAVE to each session, and another starts at its port: the time runs until every client is open again, with the default reconnect delays.';
export const sides = ['ws', 'gemsocket-plain', 'gemsocket-session'];
export const rounds = 3;

export const sizes = [1_000, 3_000, 10_000];
const QUICK_SIZES = [100, 300, 1_000];

/** What is measured at each size. */
export const figures = [
  { key: 'resident', label: 'RSS of a connection', unit: 'KiB' },
  { key: 'accept', label: 'accepting a connection, CPU', unit: 'µs' },
  { key: 'rest', label: 'at rest, CPU of a connection and second', unit: 'µs' },
  { key: 'broadcast', label: 'broadcast of 64 B, CPU of a delivery', unit: 'µs' },
  { key: 'acceptAll', label: 'to accept all', unit: 'ms' },
  { key: 'broadcastAll', label: 'until all have a broadcast', unit: 'ms' },
  { key: 'killed', label: 'until all are back after a kill', unit: 'ms' },
  { key: 'left', label: 'until all are back after close()', unit: 'ms' },
];
const count = (size) => size.toLocaleString('en-US');
export const rows = figures.flatMap(({ key, label, unit }) =>
  sizes.map((size) => ({ key: `${size}-${key}`, label: `${label}, ${count(size)} connections`, unit, isAbsolute: true })),
);

const BROADCASTS = 10;
/** Connections that load the code before anything is measured. */
const WARM_UP = 50;

export const roles = {
  server: async (side) => {
    let server;
    return {
      listen: async (port) => {
        server = await side.serve(() => {}, { port });
        return server.port;
      },
      broadcast: () => server.broadcast('x'.repeat(64)),
      close: () => server.close(),
    };
  },
  clients: async (side) => {
    const crowd = new Crowd(side);
    return {
      resize: (port, size) => crowd.resize(port, size),
      received: (messages) => crowd.received(messages),
      canReconnect: () => crowd.canReconnect,
      untilOpen: (size) => crowd.untilOpen(size),
    };
  },
};

export async function measure({ start, isQuick }) {
  await raiseFileLimit(Math.max(...sizes));
  const results = {};
  for (const [index, size] of sizes.entries()) {
    const measured = await measureSize(start, isQuick ? QUICK_SIZES[index] : size, isQuick ? 1_000 : 15_000);
    for (const [key, value] of Object.entries(measured)) results[`${size}-${key}`] = value;
  }
  return results;
}

async function measureSize(start, size, restMs) {
  const [server, clients] = [await start('server'), await start('clients')];
  const port = await server.call('listen', 0);
  await clients.call('resize', port, WARM_UP);
  await clients.call('resize', port, 0);
  const [residentBefore, cpuBefore] = [await server.call('residentBytes'), await server.call('cpuUs')];
  const acceptAll = await clients.call('resize', port, size);
  const accept = ((await server.call('cpuUs')) - cpuBefore) / size;
  const rest = (await cpuDuring(server, () => setTimeout(restMs))) / size / (restMs / 1000);
  const resident = ((await server.call('residentBytes')) - residentBefore) / 1024 / size;
  const startedAt = performance.now();
  const broadcastCpu = await cpuDuring(server, async () => {
    for (let done = 0; done < BROADCASTS; done++) {
      await Promise.all([clients.call('received', size), server.call('broadcast')]);
    }
  });
  const broadcastAll = (performance.now() - startedAt) / BROADCASTS;
  const steady = { resident, accept, rest, broadcast: broadcastCpu / size / BROADCASTS, acceptAll, broadcastAll };
  const returned = (await clients.call('canReconnect')) ? await measureReturn(start, server, clients, port, size) : {};
  for (const child of [clients, server]) await child.stop();
  return { ...steady, ...returned };
}

async function cpuDuring(server, action) {
  const before = await server.call('cpuUs');
  await action();
  return (await server.call('cpuUs')) - before;
}

/** The server is gone until every client has noticed. */
async function measureReturn(start, server, clients, port, size) {
  await server.kill();
  const second = await restart(start, clients, port);
  const killed = await untilOpen(clients, size);
  await second.call('close');
  await second.stop();
  const third = await restart(start, clients, port);
  const left = await untilOpen(clients, size);
  await third.stop();
  return { killed, left };
}

async function restart(start, clients, port) {
  const server = await start('server');
  await clients.call('untilOpen', 0);
  await server.call('listen', port);
  return server;
}

async function untilOpen(clients, size) {
  const startedAt = performance.now();
  await clients.call('untilOpen', size);
  return performance.now() - startedAt;
}
