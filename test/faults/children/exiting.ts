import { setTimeout as sleep } from 'node:timers/promises';
import { closeOnSignals, connect, type IWebsocketClient } from '../../../src/entry/node.js';
import { until } from '../../support/until.js';
import { say } from './say.js';

/** Opens connections and then exits in the way that the test asks for. */
const [, , way = '', ca = '', ...addresses] = process.argv;

const clients: IWebsocketClient[] = [];
for (const address of addresses) clients.push(await connect(address, { type: 'insecure', node: ca === '' ? {} : { ca } }));

const areClosed = () => clients.every((client) => client.state === 'closed');

const ways: Readonly<Record<string, () => unknown>> = {
  exit: () => process.exit(3),
  'exit after sending': () => {
    for (const client of clients) for (let number = 0; number < 100; number++) client.sendMessage(`${number}`);
    process.exit(3);
  },
  throw: () => {
    throw new Error('nobody catches this');
  },
  reject: () => {
    void Promise.reject(new Error('nobody catches this'));
  },
  'close and finish': () => {
    for (const client of clients) void client.close(1000, 'the program is over');
  },
  'close and exit': () => {
    for (const client of clients) void client.close(1000, 'the program is over');
    process.exit(3);
  },
  'stay for a signal': () => closeOnSignals(),
  'stay for a signal of its own': () => {
    closeOnSignals();
    process.on('SIGTERM', async () => {
      await until(areClosed, 'the clients are closed');
      await sleep(200); // time in which none of them reconnects
      process.exit(areClosed() ? 7 : 8);
    });
  },
  'stay without': () => {},
  'stay, and not any more': () => closeOnSignals()(),
};

await say('open', { signalListeners: process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') });
process.disconnect?.();
setImmediate(() => ways[way]?.());
if (way.startsWith('stay')) setImmediate(() => console.log('ready'));
