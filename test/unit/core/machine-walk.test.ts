import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { step } from '../../../src/core/machine.js';
import { type Effect, type MachineEvent, type Policy, publicState, type State } from '../../../src/core/state.js';

/** What the effects have built up outside the machine. */
interface World {
  state: State;
  transport: number | undefined;
  hasTimer: boolean;
  hasDeadline: boolean;
  isSuspended: boolean;
  closedReports: number;
  openReports: number;
}

/** An event, with the wire that it is about relative to the present one. */
type Move = {
  readonly event: MachineEvent['is'];
  readonly age: number;
  readonly code: number;
  readonly withError: boolean;
  readonly isFinal: boolean;
};

const moves: fc.Arbitrary<Move> = fc.record({
  event: fc.constantFrom<MachineEvent['is']>(
    ...(['connect', 'opened', 'opened', 'lost', 'timeout', 'deadline', 'suspended', 'woken', 'takeOver', 'close', 'terminate'] as const),
  ),
  age: fc.constantFrom(0, 0, 0, 1, 2, -1),
  code: fc.constantFrom(1000, 1001, 1006, 1008, 1012, 4401, 4000),
  withError: fc.boolean(),
  isFinal: fc.boolean(),
});

const policies: fc.Arbitrary<Policy> = fc.record({
  connectTimeoutMs: fc.constant(10_000),
  closeTimeoutMs: fc.constant(5_000),
  retryFirstAttempt: fc.boolean(),
  resumes: fc.boolean(),
  reconnect: fc.option(
    fc.record({ minDelayMs: fc.constant(500), maxDelayMs: fc.constant(30_000), maxAttempts: fc.constantFrom(1, 3, 1e9) }),
    {
      nil: undefined,
    },
  ),
});

function eventOf(move: Move, state: State): MachineEvent {
  const transport = ('transport' in state ? state.transport : 1) - move.age;
  const error = move.withError ? { error: new WebsocketError('CONNECT_FAILED', 'refused') } : {};
  switch (move.event) {
    case 'opened':
      return { is: 'opened', transport };
    case 'lost':
      return { is: 'lost', transport, info: { code: move.code, reason: '', wasClean: false }, ...error };
    case 'close':
      return { is: 'close', code: 1000, reason: '', isFinal: move.isFinal };
    case 'terminate':
      return { is: 'terminate', info: { code: move.code, reason: '', wasClean: false }, ...error };
    default:
      return { is: move.event };
  }
}

function perform(world: World, effect: Effect): void {
  switch (effect.do) {
    case 'dial':
      expect(world.transport, 'a wire is dialled while another is held').toBeUndefined();
      world.transport = effect.transport;
      break;
    case 'startTimer':
      expect(effect.delayMs).toBeGreaterThanOrEqual(0);
      expect(effect.delayMs).toBeLessThan(2 ** 31);
      world.hasTimer = true;
      break;
    case 'startDeadline':
      world.hasDeadline = true;
      break;
    case 'detachTransport':
      world.transport = undefined;
      break;
    case 'closeChannel':
      expect(world.hasDeadline, 'close() has a deadline').toBe(true);
      break;
    case 'reportClosed':
      world.closedReports += 1;
      break;
    case 'reportOpened':
      world.openReports += 1;
      expect(effect.isFirst).toBe(world.openReports === 1);
      break;
  }
}

/** Only a timer that runs can run out. */
function isPossible(world: World, event: MachineEvent): boolean {
  if (event.is === 'timeout') return world.hasTimer;
  return event.is !== 'deadline' || world.hasDeadline;
}

function move(world: World, event: MachineEvent, policy: Policy, chance: number): void {
  const before = world.state;
  if (!isPossible(world, event)) return;
  const { state, effects } = step(before, event, policy, chance);
  const isLate =
    (event.is === 'lost' || event.is === 'opened') &&
    (before.at === 'waiting' || !('transport' in before) || before.transport !== event.transport);
  if (isLate || before.at === 'closed') expect({ state, effects }).toEqual({ state: before, effects: [] });
  if (event.is === 'timeout' || state.at !== before.at) world.hasTimer = false;
  if (state.at === 'closed') world.hasDeadline = false;
  if (event.is === 'lost' && !isLate) world.transport = undefined;
  if (state.at !== 'waiting') world.isSuspended = false;
  else if (before.at !== 'waiting') world.isSuspended = event.is === 'suspended';
  world.state = state;
  for (const effect of effects) perform(world, effect);
}

function checkInvariants(world: World): void {
  const { state } = world;
  const hasTransport = state.at === 'dialing' || state.at === 'open' || state.at === 'closing';
  expect(world.transport !== undefined, `${state.at} and a wire`).toBe(hasTransport);
  if ('transport' in state && hasTransport) expect(world.transport).toBe(state.transport);
  if (state.at === 'dialing') expect(world.hasTimer, 'dialing has a time limit').toBe(true);
  const isClosing = publicState(state) === 'closing';
  expect(world.hasDeadline, `${state.at} and the deadline of close()`).toBe(isClosing);
  if (state.at === 'waiting' && !world.isSuspended) expect(world.hasTimer, 'waiting has a timer, or is suspended').toBe(true);
  if (state.at === 'idle' || state.at === 'closed') expect(world.hasTimer, `${state.at} has no timer`).toBe(false);
  expect(world.closedReports).toBe(state.at === 'closed' ? 1 : 0);
}

describe('any sequence of events', () => {
  it('keeps one wire at most, a deadline for every wait, and one last report', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(moves, { maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (policy, path, chance) => {
          const world: World = {
            state: { at: 'idle' },
            transport: undefined,
            hasTimer: false,
            hasDeadline: false,
            isSuspended: false,
            closedReports: 0,
            openReports: 0,
          };
          for (const next of path) {
            move(world, eventOf(next, world.state), policy, chance.next().value);
            checkInvariants(world);
          }
        },
      ),
      { numRuns: 1000, seed: 42 },
    );
  });

  it('always reaches closed by way of close and its deadline alone', () => {
    fc.assert(
      fc.property(policies, fc.array(moves, { maxLength: 30 }), (policy, path) => {
        let state: State = { at: 'idle' };
        for (const next of path) state = step(state, eventOf(next, state), policy, 0.5).state;
        state = step(state, { is: 'close', code: 1000, reason: '' }, policy, 0.5).state;
        state = step(state, { is: 'deadline' }, policy, 0.5).state;
        expect(state.at).toBe('closed');
      }),
      { seed: 42 },
    );
  });
});
