import { expect, it } from 'vitest';
import { makeEndOfTurn } from '../../src/platform/browser/turn.js';
import { World } from './support/world.js';

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
