/** The server of under-attack.mjs, in a process of its own, with the default options: it sends every message back that has any text. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { listen } from 'gemsocket/server';

const server = await listen('127.0.0.1', 0);
server.on('connection', (client) => {
  client.on('message', (message) => {
    if (message.length > 1) client.sendMessage(message);
  });
});
const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
// The first request begins the measurement, the second ends it.
process.once('message', () => {
  delays.reset();
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  process.once('message', () => {
    const { user, system } = process.cpuUsage(cpuBefore);
    process.send({ longestTurnMs: delays.max / 1e6, cpuShare: (user + system) / 1000 / (performance.now() - startedAt) });
  });
});
process.on('disconnect', () => process.exit());
process.send(server.port);
