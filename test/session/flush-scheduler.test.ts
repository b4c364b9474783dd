import { expect, it } from 'vitest';
import { makeEndOfTurn } from '../../src/platform/browser/end-of-turn.js';
import { BareChannel } from './support/bare-channel.js';
import { readAll, World } from './support/world.js';

it('lets a lone call go with its microtasks, and those that follow in the same turn together at its end', async () => {
  const endOfTurn = makeEndOfTurn();
  const calls: string[] = [];
  endOfTurn(() => calls.push('first'));
  await null;
  await null;
  expect(calls).toEqual(['first']);
  endOfTurn(() => calls.push('second'));
  endOfTurn(() => calls.push('third'));
  for (let n = 0; n < 10; n++) await null;
  expect(calls).toEqual(['first']);
  await expect.poll(() => calls).toEqual(['first', 'second', 'third']);
  endOfTurn(() => calls.push('next turn'));
  await null;
  await null;
  expect(calls.at(-1)).toBe('next turn');
});

/** Batches that have left before the end of a turn with so many messages, and at its end. */
function batchesOf(world: World, messages: number): number[] {
  const { server } = world.cable;
  server.sent.length = 0;
  for (let n = 0; n < messages; n++) world.serverClient.sendMessage('m'.repeat(64));
  const beforeItsEnd = server.sent.length;
  world.endTurn();
  return [beforeItsEnd, server.sent.length];
}

it('lets the first batch of a turn that sends much leave before its end, and the rest together', () => {
  const world = new World().open();
  expect(batchesOf(world, 40)).toEqual([0, 1]);
  expect(batchesOf(world, 200)).toEqual([1, 2]);
  expect(batchesOf(world, 200)).toEqual([1, 2]);
});

it('keeps all of a turn together where the wire gathers nothing, as in a browser', () => {
  expect(batchesOf(new World({ serverGathers: false }).open(), 200)).toEqual([0, 1]);
});

it('lets what was sent wait for more where batchDelayMs says so, and no longer', () => {
  const world = new World({ server: { batchDelayMs: 5 } }).open();
  const { server } = world.cable;
  world.pass(100);
  server.sent.length = 0;
  for (let n = 0; n < 4; n++) {
    world.serverClient.sendMessage(`${n}`);
    world.pass(1);
  }
  expect(server.sent).toHaveLength(0);
  world.pass(1);
  expect(server.sent).toHaveLength(1);
  expect(readAll(world.client)).toEqual(['0', '1', '2', '3']);
});

it('lets what waits leave with an answer to a ping, and does not let that wait', () => {
  const world = new World({ server: { batchDelayMs: 500 } }).open();
  const { server } = world.cable;
  world.pass(1_000);
  server.sent.length = 0;
  world.serverClient.sendMessage('waits');
  server.events?.received(Uint8Array.of(0x0a), 1); // PING
  world.endTurn();
  expect(server.sent).toHaveLength(1);
});

it('lets nothing wait for a timer that is late, as those of a hidden page are', () => {
  const bare = new BareChannel({ batchDelayMs: 5 });
  bare.channel.send('first', 5, 'reliable');
  bare.clock.throttle(60_000);
  bare.channel.send('second', 6, 'reliable');
  bare.endTurn();
  expect(bare.end.sent).toHaveLength(1);
});

it('lets nothing wait that is sent before a close', async () => {
  const world = new World({ client: { batchDelayMs: 1_000 } }).open();
  world.pass(2_000);
  world.client.sendMessage('last');
  void world.client.close(4001, 'bye');
  world.settle();
  expect(readAll(world.serverClient)).toEqual(['last']);
  expect(await world.serverClient.close()).toEqual({ code: 4001, reason: 'bye', wasClean: true });
});
