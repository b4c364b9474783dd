import { expect, it } from 'vitest';
import { makeEndOfTurn } from '../../src/platform/browser/platform.js';
import { BareChannel } from './support/bare-channel.js';
import { readAll, World } from './support/world.js';

it('sends the first call of a turn after its microtasks, and later ones of the same turn together at its end', async () => {
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

it('sends the first large batch of a turn before its end, and the rest together', () => {
  const world = new World().open();
  expect(batchesOf(world, 40)).toEqual([0, 1]);
  expect(batchesOf(world, 200)).toEqual([1, 2]);
  expect(batchesOf(world, 200)).toEqual([1, 2]);
});

it('sends all of a turn together where the transport cannot be flushed, as in a browser', () => {
  expect(batchesOf(new World({ serverGathers: false }).open(), 200)).toEqual([0, 1]);
});

it('delays batches by batchDelayMs, and no longer', () => {
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

it('sends a delayed batch with a PONG, which is not delayed', () => {
  const world = new World({ server: { batchDelayMs: 500 } }).open();
  const { server } = world.cable;
  world.pass(1_000);
  server.sent.length = 0;
  world.serverClient.sendMessage('waits');
  server.events?.received(Uint8Array.of(0x0a), 1); // PING
  world.endTurn();
  expect(server.sent).toHaveLength(1);
});

it('does not wait for a timer that is late, as in a hidden page', () => {
  const bare = new BareChannel({ batchDelayMs: 5 });
  bare.channel.send('first', 5, 'reliable');
  bare.clock.throttle(60_000);
  bare.channel.send('second', 6, 'reliable');
  bare.endTurn();
  expect(bare.end.sent).toHaveLength(1);
});

it('does not delay messages before a close', async () => {
  const world = new World({ client: { batchDelayMs: 1_000 } }).open();
  world.pass(2_000);
  world.client.sendMessage('last');
  void world.client.close(4001, 'bye');
  world.settle();
  expect(readAll(world.serverClient)).toEqual(['last']);
  expect(await world.serverClient.close()).toEqual({ code: 4001, reason: 'bye', wasClean: true });
});
