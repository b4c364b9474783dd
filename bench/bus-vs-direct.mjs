/**
 * The overhead of a call of the request bus over the direct call: one map look-up for a call by id, almost none for a call by client.
 * `node bench/bus-vs-direct.mjs [rounds] [clients on the bus]`
 */
import { WebsocketRequestBus } from 'gemsocket';
import { gemsocketServer } from './peers.mjs';
import { interleave, median, printTable } from './statistics.mjs';

const rounds = Number(process.argv[2] ?? 15);
const count = Number(process.argv[3] ?? 100);
const CALLS = 1_000_000;

const server = await gemsocketServer();
const bus = new WebsocketRequestBus();
const clients = Array.from({ length: count }, () => bus.createClient(`127.0.0.1:${server.port}`, undefined, 'insecure'));
while (!clients.every((client) => client.isConnectionOpen())) await new Promise((resolve) => setTimeout(resolve, 5));
const ids = clients.map((client) => client.id);

/** Nanoseconds per call. Each loop is its own function, so that each is compiled separately. */
function measure(loop) {
  const startedAt = process.hrtime.bigint();
  const seen = loop();
  const ns = Number(process.hrtime.bigint() - startedAt) / CALLS;
  if (seen !== CALLS) throw new Error('a call did not answer as expected');
  return ns;
}

const loops = [
  [
    'map.get(id)',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (bus.clients.get(ids[call % count]) !== undefined) seen += 1;
      return seen;
    },
  ],
  [
    'client.isConnectionOpen()',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (clients[call % count].isConnectionOpen()) seen += 1;
      return seen;
    },
  ],
  [
    'bus.isConnectionOpen(client)',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (bus.isConnectionOpen(clients[call % count])) seen += 1;
      return seen;
    },
  ],
  [
    'bus.isConnectionOpen(id)',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (bus.isConnectionOpen(ids[call % count])) seen += 1;
      return seen;
    },
  ],
  [
    'client.getMessage()',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (clients[call % count].getMessage() === undefined) seen += 1;
      return seen;
    },
  ],
  [
    'bus.getMessage(client)',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (bus.getMessage(clients[call % count]) === undefined) seen += 1;
      return seen;
    },
  ],
  [
    'bus.getMessage(id)',
    () => {
      let seen = 0;
      for (let call = 0; call < CALLS; call++) if (bus.getMessage(ids[call % count]) === undefined) seen += 1;
      return seen;
    },
  ],
];

const results = await interleave(loops, rounds, measure);
const ns = (name) => median(results.get(name));
const rows = loops.map(([name]) => {
  const direct = name.startsWith('bus.') ? `client.${name.slice(4).replace(/\(.*/, '()')}` : undefined;
  return [name, ns(name).toFixed(1), direct === undefined ? '' : `+${(ns(name) - ns(direct)).toFixed(1)}`];
});
printTable(`Nanoseconds for a call, medians of ${rounds}, ${count} clients`, ['call', 'ns', 'over direct'], rows);
await bus.closeAll();
await server.close();
