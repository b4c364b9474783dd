import { expect, it } from 'vitest';
import { Liveness } from '../../../src/core/liveness.js';
import { FakeClock } from '../../session/support/fake-clock.js';

it('a half-open connection is detected in time although the wall clock was set back', () => {
  const clock = new FakeClock();
  const dead: number[] = [];
  const liveness = new Liveness({ pingMs: 15_000, timeoutMs: 10_000 }, clock, {
    ping: () => {},
    dead: (silentMs) => dead.push(silentMs),
    measured: () => {},
  });
  liveness.touch();
  clock.jump(-600_000);
  clock.pass(15_000 + 15_000 + 10_000);
  expect(dead).toHaveLength(1);
});
