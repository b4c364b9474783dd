import { type IWebsocketClient, WebsocketRequestBus } from '../../../src/entry/node.js';
import { hear, say } from './say.js';

/** A thousand clients of one bus that outlive their server; afterwards it reports the resources that they left behind. */
const [, , address = '', count = '1000'] = process.argv;

const exitListenersBefore = process.listenerCount('exit');
const bus = new WebsocketRequestBus();
/** The attempt at which 100 ms, doubled, exceeds the ceiling. */
const delaysAtCeilingMs: number[] = [];
const patient = new Set<string>();
bus.on('reconnecting', ({ id }, { attempt, delayMs }) => {
  if (attempt <= 6) return;
  delaysAtCeilingMs.push(delayMs);
  patient.add(id);
});

const clients: IWebsocketClient[] = [];
for (let number = 0; number < Number(count); number++) {
  const reconnect = { minDelayMs: 100, maxDelayMs: 2_000 };
  clients.push(bus.createClient(address, undefined, 'insecure', { reconnect, connectTimeoutMs: 20_000 }));
}
await allOpen();
const whileOpen = exitListeners();
await say('open');

await hear();
while (patient.size < clients.length) await new Promise((resolve) => setTimeout(resolve, 5));
await say('all patient');
await allOpen();
await say('all back', { reconnects: clients.map((client) => client.stats.reconnects), delaysAtCeilingMs });

for (const client of clients) client.sendMessage('still me');
await Promise.all(clients.map((client) => client.close()));
for (const client of clients) client.getMessage();
// The sockets' handles are released a turn after their close was reported.
await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
await say('all closed', {
  exitListeners: [whileOpen, exitListeners()],
  onTheBus: bus.clients.size,
  resources: process.getActiveResourcesInfo().filter((resource) => resource.startsWith('TCP') || resource === 'Timeout'),
});
process.disconnect?.();

function exitListeners(): number {
  return process.listenerCount('exit') - exitListenersBefore;
}

async function allOpen(): Promise<void> {
  while (!clients.every((client) => client.isConnectionOpen())) await new Promise((resolve) => setTimeout(resolve, 5));
}
