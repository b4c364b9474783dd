import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { type Continuity, connect } from '../../src/entry/node.js';
import { listen, type ServerClient } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { limit } from '../support/pace.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/until.js';

/*
 * A machine that slept for ten minutes: the wall clock has advanced, and the network has forgotten the connections.
 * Node has no event for waking up, so the next liveness check detects it.
 */

const PING_MS = 50;
const options = {
  type: 'insecure',
  liveness: { pingMs: PING_MS, timeoutMs: 60_000 },
  reconnect: { minDelayMs: 1, maxDelayMs: 20 },
} as const;

afterEach(() => vi.restoreAllMocks());

function sleep(): void {
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + 600_000);
}

it.each(['plain', 'a session'] as const)('%s: the half-open connection is detected within a second of waking up', async (mode) => {
  const server = await listen('127.0.0.1', 0, { liveness: false });
  const proxy = await startProxy(server.port);
  const accepted: ServerClient[] = [];
  server.on('connection', (client) => accepted.push(client));
  const client = await connect(`127.0.0.1:${proxy.port}`, { ...options, ...(mode === 'plain' ? {} : { session: session() }) });
  onTestFinished(async () => {
    void client.close();
    await proxy.close();
    await server.close({ graceMs: 1 });
  });
  const receipts: Continuity[] = [];
  const found = new Promise((resolve) => {
    client.on('reconnecting', () => resolve(performance.now()));
  });
  client.on('reconnected', (receipt) => receipts.push(receipt));
  proxy.forget();
  client.sendMessage('sent in the dark');
  sleep();
  const wokenAt = performance.now();
  expect(Number(await found) - wokenAt).toBeLessThan(limit(PING_MS + 1_000 + 1_000));
  await until(() => receipts.length === 1, 'the client is back');
  if (mode === 'plain') return;
  expect(receipts).toMatchObject([{ resumed: true, lost: 0 }]);
  await expect.poll(() => accepted[0]?.getMessage()).toEqual({ message: 'sent in the dark' });
});
