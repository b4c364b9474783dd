/** The server of under-attack.mjs, in its own process, with the default options: it echoes every message that is not empty. */
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
// The first request starts the measurement, the second ends it.
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
