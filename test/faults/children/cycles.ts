import { connect } from '../../../src/entry/node.js';
import { startWs } from '../../support/ws-server.js';

/**
 * Connects, sends, reads the echo and closes repeatedly, and prints the heap size after each round.
 * By hand: `npm run soak` does it 100,000 times, which takes some minutes.
 */
const [, , count = '100000'] = process.argv;
const LANES = 20;
const ROUNDS = 10;
const total = Number(count);

const { server, port } = await startWs();
server.on('connection', (socket) => socket.on('message', (message) => socket.send(String(message))));
const address = `127.0.0.1:${port}`;

const exitListenersBefore = process.listenerCount('exit');

async function cycle(): Promise<void> {
  const client = await connect(address, { type: 'insecure' });
  client.sendMessage('there and back');
  for await (const message of client) {
    if (message !== 'there and back') throw new Error(`read ${String(message)}`);
    break;
  }
  const { code } = await client.close();
  if (code !== 1000) throw new Error(`closed with ${code}`);
}

async function cycles(howMany: number): Promise<void> {
  let left = howMany;
  const lane = async () => {
    while (left-- > 0) await cycle();
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The memory in use after garbage collection. */
async function usedBytes(): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

await cycles(Math.max(500, total / ROUNDS)); // compiled code and caches first
const startedAt = performance.now();
const heaps: number[] = [await usedBytes()];
for (let round = 1; round <= ROUNDS; round++) {
  await cycles(total / ROUNDS);
  heaps.push(await usedBytes());
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `${String((total / ROUNDS) * round).padStart(7)} cycles  ${((heaps.at(-1) ?? 0) / 1024 / 1024).toFixed(2)} MiB  ${seconds} s`,
  );
}
const exitListeners = process.listenerCount('exit') - exitListenersBefore;
process.send?.({ is: 'done', heaps, exitListeners });
process.disconnect?.();
await new Promise((resolve) => server.close(resolve));
