import { describe } from 'vitest';
import { callTests } from './suite/calls.js';
import { keepTests } from './suite/keep.js';
import { memberTests } from './suite/members.js';
import { publishTests } from './suite/publish.js';
import { readTests } from './suite/read.js';
import { valueTests } from './suite/values.js';
import { watchTests } from './suite/watch.js';
import { type MakeWorld, WorldOfTest } from './support/world.js';

/** The tests that every implementation of `NodeBackplane` MUST pass. Time is real or not: the world of the implementation decides. */
export function backplaneSuite(name: string, make: MakeWorld): void {
  describe(`the backplane of ${name}`, () => {
    const test = new WorldOfTest(make);
    describe('publish', () => publishTests(test));
    describe('watch', () => watchTests(test));
    describe('keep', () => keepTests(test));
    describe('read and tops', () => readTests(test));
    describe('presence', () => memberTests(test));
    describe('swap', () => valueTests(test));
    describe('open, signal and close', () => callTests(test));
  });
}
