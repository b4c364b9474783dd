import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { limit } from '../support/pace.js';
import { freePort, startScript } from '../support/programs.js';

const COUNT = 1_000;
/** The ceiling of every delay after a longer outage, on the scale of the test: 1 to 15 of the default. */
const MAX_DELAY_MS = 2_000;
const BUCKET_MS = 200;

interface AcceptQueue {
  readonly server: WebSocketServer;
  readonly times: number[];
  readonly messages: string[];
}

async function serve(port: number): Promise<AcceptQueue> {
  const server = new WebSocketServer({ port, host: '127.0.0.1', backlog: 2 * COUNT });
  const acceptQueue: AcceptQueue = { server, times: [], messages: [] };
  server.on('connection', (socket) => {
    acceptQueue.times.push(Date.now());
    socket.on('message', (message) => acceptQueue.messages.push(String(message)));
  });
  await once(server, 'listening');
  return acceptQueue;
}

async function crash({ server }: AcceptQueue): Promise<void> {
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
}

function histogram(timesMs: readonly number[]): number[] {
  const buckets: number[] = [];
  for (const timeMs of timesMs) {
    const bucket = Math.floor(timeMs / BUCKET_MS);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  return Array.from(buckets, (count) => count ?? 0);
}

function print(title: string, buckets: readonly number[]): void {
  const lines = buckets.map(
    (count, index) => `${String(index * BUCKET_MS).padStart(6)} ms ${'█'.repeat(Math.ceil((count / Math.max(...buckets)) * 40))} ${count}`,
  );
  console.log([title, ...lines].join('\n'));
}

describe('a server that is unavailable for a while, with 1,000 clients', () => {
  it('gets all of them back, spread by jitter, and nothing is left behind when they close', { timeout: limit(120_000) }, async () => {
    const port = await freePort();
    const first = await serve(port);
    await using clients = await startScript('test/faults/children/thousand-clients.ts', [`127.0.0.1:${port}`, COUNT]);
    await clients.said('open');
    clients.process.send('the server goes');
    await crash(first);
    // Each has failed often enough to wait up to the ceiling: the state after a minute, only sooner.
    await clients.said('all patient');

    const second = await serve(port);
    const backAt = Date.now();
    const { reconnects, delaysAtCeilingMs } = (await clients.said('all back')) as { reconnects: number[]; delaysAtCeilingMs: number[] };
    expect(reconnects).toEqual(Array(COUNT).fill(1));
    expect(second.times).toHaveLength(COUNT);
    print(`${COUNT} clients come back, by their times after the server:`, histogram(second.times.map((time) => time - backAt)));

    // The arrival times also depend on the load of this machine; the chosen delays do not.
    const buckets = histogram(delaysAtCeilingMs);
    print(`The ${delaysAtCeilingMs.length} delays that they chose:`, buckets);
    expect(delaysAtCeilingMs.length).toBeGreaterThanOrEqual(COUNT);
    expect(buckets).toHaveLength(MAX_DELAY_MS / BUCKET_MS);
    const even = delaysAtCeilingMs.length / buckets.length;
    for (const count of buckets) {
      expect(count).toBeGreaterThan(even / 2);
      expect(count).toBeLessThan(even * 1.5);
    }

    expect(await clients.said('all closed')).toMatchObject({ exitListeners: [1, 0], onTheBus: 0, resources: [] });
    expect(await clients.ended).toBe(0);
    await expect.poll(() => second.messages.length).toBe(COUNT);
    await crash(second);
  });
});
