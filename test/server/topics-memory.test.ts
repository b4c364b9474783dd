import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { Continuity } from '../../src/entry/node.js';
import { session } from '../../src/entry/session.js';
import { subscribe } from '../../src/entry/topics.js';
import { limit } from '../support/pace.js';
import { pair, serve, until } from './support.js';

it('a reader that stops costs neither side memory, and learns exactly what it missed', { timeout: limit(120_000) }, async () => {
  const server = await serve({ authorize: () => true, topics: { historyMessages: 500, historyBytes: 16_777_216 } });
  const { client } = await pair(server, { session: session() });
  const stopped = await subscribe(client, 'slow');
  let lost = 0;
  stopped.on('continuity', (continuity: Continuity) => {
    lost += continuity.lost ?? Number.NaN;
  });
  const quick: unknown[] = [];
  await subscribe(client, 'quick', ({ message }) => quick.push(message));
  const messages = 25_000;
  const publishMany = async (count: number, from: number) => {
    for (let index = from; index < from + count; index++) await server.publish('slow', `${index}:${'x'.repeat(4_096)}`);
  };
  await publishMany(1_000, 0);
  await turn();
  const before = heapBytes();
  await publishMany(messages - 1_000, 1_000);
  // Of 100 MB: the history, the recent entries, the window, and the ids of the last two minutes.
  await turn();
  expect(heapBytes() - before).toBeLessThan(30 * 1024 * 1024);
  await server.publish('quick', 'at once');
  await until(() => expect(quick).toEqual(['at once']));
  const read: number[] = [];
  await until(() => {
    for (let next = stopped.getMessage(); next !== undefined; next = stopped.getMessage())
      read.push(Number.parseInt(String(next.message), 10));
    expect(read.at(-1)).toBe(messages - 1);
  });
  expect(read.length + lost).toBe(messages);
  expect(read).toEqual([...new Set(read)].sort((one, other) => one - other));
});

/** What is alive on the heap and in buffers. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
