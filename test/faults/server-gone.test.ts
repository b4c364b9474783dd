import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { freePort, startScript } from '../support/programs.js';
import { until } from '../support/until.js';

const COUNT = 1_000;
/** The ceiling of every delay once the server has been gone for a while: the scale of the test, 1 to 15 of the default. */
const MAX_DELAY_MS = 2_000;
const BUCKET_MS = 200;

interface Arrivals {
  readonly server: WebSocketServer;
  readonly times: number[];
  readonly messages: string[];
}

async function serve(port: number): Promise<Arrivals> {
  const server = new WebSocketServer({ port, host: '127.0.0.1', backlog: 2 * COUNT });
  const arrivals: Arrivals = { server, times: [], messages: [] };
  server.on('connection', (socket) => {
    arrivals.times.push(Date.now());
    socket.on('message', (message) => arrivals.messages.push(String(message)));
  });
  await once(server, 'listening');
  return arrivals;
}

async function crash({ server }: Arrivals): Promise<void> {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
}

function histogram(times: readonly number[], startAt: number): number[] {
  const buckets: number[] = [];
  for (const time of times) {
    const bucket = Math.floor((time - startAt) / BUCKET_MS);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  return Array.from(buckets, (count) => count ?? 0);
}

function print(title: string, buckets: readonly number[]): void {
  const lines = buckets.map((count, index) => `${String(index * BUCKET_MS).padStart(6)} ms ${'█'.repeat(Math.ceil(count / 4))} ${count}`);
  console.log([title, ...lines].join('\n'));
}

describe('a server that is gone for a while, with 1,000 clients', () => {
  it('gets all of them back, spread by jitter, and nothing is left behind when they close', { timeout: 120_000 }, async () => {
    const port = await freePort();
    const first = await serve(port);
    await using clients = await startScript('test/faults/children/thousand-clients.ts', [`127.0.0.1:${port}`, COUNT]);
    await clients.said('open');
    clients.process.send('the server goes');
    await crash(first);
    await clients.said('all waiting');
    // Long enough that every client has failed five times and waits up to the ceiling: 100 + 200 + ... + 1,600 ms.
    const goneAt = Date.now();
    await until(() => Date.now() - goneAt > 4_000, 'the server has been gone for 4 s');

    const second = await serve(port);
    const backAt = Date.now();
    const { reconnects } = (await clients.said('all back')) as { reconnects: number[] };
    expect(reconnects).toEqual(Array(COUNT).fill(1));

    const buckets = histogram(second.times, backAt);
    print(`${COUNT} clients come back within ${Math.max(...second.times) - backAt} ms:`, buckets);
    expect(second.times).toHaveLength(COUNT);
    const even = COUNT / (MAX_DELAY_MS / BUCKET_MS);
    expect(Math.max(...buckets)).toBeLessThan(even * 3);
    expect(buckets.filter((count) => count > even / 4).length).toBeGreaterThanOrEqual(6);

    expect(await clients.said('all closed')).toMatchObject({ exitListeners: [1, 0], onTheBus: 0, resources: [] });
    expect(await clients.ended).toBe(0);
    await expect.poll(() => second.messages.length).toBe(COUNT);
    await crash(second);
  });
});
