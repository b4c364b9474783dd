/** How long messages take while 200 clients and the server send at 60 Hz, without and with a large message to one more client. */
import { setTimeout } from 'node:timers/promises';
import { Crowd } from '../crowd.mjs';
import { LatencyRecorder, stamp, startTicks } from '../ticks.mjs';

export const name = 'latency';
export const title = 'Latency under load';
export const about =
  'Milliseconds from the send to the handler, while each of 200 clients sends 64 B at 60 Hz and the server broadcasts 64 B at 60 Hz. Then one more client receives messages of 10 MB, one after another, and the 200 keep their tick. Last, the longest garbage collection of the server in that time, by its kind.';
export const sides = ['ws', 'socket-io', 'gemsocket-plain', 'gemsocket-session'];
export const rounds = 5;

const CLIENTS = 200;
const HERTZ = 60;
const LARGE_BYTES = 10_000_000;
const shares = { p50: 50, p99: 99, 'p99.9': 99.9 };
const directions = { up: 'to the server', down: 'to a client', 'down-large': 'to a client, beside 10 MB' };
const collections = {
  minor: 'server: longest minor GC',
  major: 'server: longest major GC',
  incremental: 'server: longest incremental marking',
};

export const rows = [
  ...Object.entries(directions).flatMap(([key, label]) =>
    Object.keys(shares).map((share) => ({ key: `${key}-${share}`, label: `${label}, ${share}`, unit: 'ms', isAbsolute: true })),
  ),
  { key: 'large', label: '10 MB to one client', unit: 'ms', isAbsolute: true },
  ...Object.entries(collections).map(([key, label]) => ({ key: `gc-${key}`, label, unit: 'ms', isAbsolute: true })),
];

export const roles = {
  server: async (side) => {
    const latencies = new LatencyRecorder(shares);
    const server = await side.serve((text, peer) => {
      if (text === 'large') server.send(peer, 'x'.repeat(LARGE_BYTES));
      else latencies.record(text);
    });
    return {
      port: () => server.port,
      start: () => startTicks(HERTZ, 1, () => server.broadcast(stamp())),
      takeLatencies: () => latencies.take(),
    };
  },
  clients: async (side) => {
    const latencies = new LatencyRecorder(shares);
    const crowd = new Crowd(side, (text) => latencies.record(text));
    return {
      resize: (port, count) => crowd.resize(port, count),
      // Each client has its own place in the tick, as the clients of a game have.
      start: () => startTicks(HERTZ, CLIENTS, (index) => crowd.connections[index].send(stamp())),
      takeLatencies: () => latencies.take(),
    };
  },
  /** Asks for one large message after another. */
  receiver: async (side) => {
    let onLarge = () => {};
    let connection;
    return {
      connect: async (port) => {
        connection = await side.connect(port, (text) => {
          if (text.length === LARGE_BYTES) onLarge();
        });
      },
      receive: async (messages) => {
        const startedAt = performance.now();
        for (let received = 0; received < messages; received++) {
          connection.send('large');
          await new Promise((resolve) => {
            onLarge = resolve;
          });
        }
        return (performance.now() - startedAt) / messages;
      },
    };
  },
};

export async function measure({ start, isQuick }) {
  const [server, clients, receiver] = [await start('server'), await start('clients'), await start('receiver')];
  const port = await server.call('port');
  await clients.call('resize', port, CLIENTS);
  await receiver.call('connect', port);
  await Promise.all([server.call('start'), clients.call('start')]);
  const take = async () => ({ up: await server.call('takeLatencies'), down: await clients.call('takeLatencies') });
  await setTimeout(isQuick ? 500 : 2_000);
  await take();
  await server.call('takePauses');
  await setTimeout(isQuick ? 1_000 : 10_000);
  const { up, down } = await take();
  const large = await receiver.call('receive', isQuick ? 2 : 20);
  const { down: downLarge } = await take();
  const pauses = await server.call('takePauses');
  return { ...prefixed('up', up), ...prefixed('down', down), ...prefixed('down-large', downLarge), large, ...prefixed('gc', pauses) };
}

const prefixed = (prefix, values) => Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}-${key}`, value]));
