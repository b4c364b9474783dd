import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { memoryClient } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';

/*
 * How long clients stay disconnected after a server that was down for 10 s is up again: the figures of docs/guides/direct.md. Time and
 * randomness belong to the test, so the figures are the same on every machine.
 */

const AWAY_MS = 10_000;
const CLIENTS = 600;
const refused = new WebsocketError('CONNECT_FAILED', 'Nobody listens there.');

/** Milliseconds from the return of the server to the reconnection of the client. */
async function returnTimeOf(seed: number, isVisible: boolean): Promise<number> {
  let returnsAt = Number.NEGATIVE_INFINITY;
  const platform = new MemoryPlatform({
    seed,
    answer: (transport) => (platform.clock.now() >= returnsAt ? transport.accept() : transport.refuse(refused)),
  });
  Object.assign(platform.lifecycle, { isVisible: () => isVisible });
  const client = memoryClient(platform);
  await client.connect();
  // The server had been up for long, so the failures were counted from zero.
  await platform.clock.advance(60_000);
  returnsAt = platform.clock.now() + AWAY_MS;
  const returned = new Promise<number>((resolve) => client.on('reconnected', () => resolve(platform.clock.now() - returnsAt)));
  platform.transport.breakOff();
  while (client.state === 'reconnecting') await platform.clock.advance(platform.clock.nextDelayMs ?? 0);
  return returned;
}

async function figures(isVisible: boolean): Promise<string> {
  const times: number[] = [];
  for (let seed = 0; seed < CLIENTS; seed += 1) times.push(await returnTimeOf(seed, isVisible));
  times.sort((one, other) => one - other);
  const seconds = (ms: number | undefined) => (Number(ms) / 1_000).toFixed(1);
  return `a median of ${seconds(times[CLIENTS / 2])} s and at most ${seconds(times.at(-1))} s`;
}

it.each([
  ['a visible page', true],
  ['elsewhere', false],
])('%s: clients reconnect as fast as the guide says', async (where, isVisible) => {
  const guide = readFileSync('docs/guides/direct.md', 'utf8').replace(/\s+/g, ' ');
  expect(guide).toContain(`${await figures(isVisible)} in ${where}`.replace('in elsewhere', 'elsewhere'));
});
