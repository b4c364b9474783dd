import { expect, it } from 'vitest';
import { makeEndOfTurn } from '../../src/platform/browser/turn.js';

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
