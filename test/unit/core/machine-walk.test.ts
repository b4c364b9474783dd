import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abnormalClose } from '../../../src/core/close-codes.js';
import { WebsocketError } from '../../../src/core/errors.js';
import { redial } from '../../../src/core/machine.js';
import { goodbyeOf, type Policy, publicState, type Recover, type State, transportOf } from '../../../src/core/state.js';
import { type ConnectionEvent, next } from '../../support/machine.js';

/** The states and events of a walk. */
interface Walk {
  state: State;
  /** Transports are numbered consecutively. */
  transports: number;
  openings: number;
  isSuspended: boolean;
}

/** An event, and the transport that it concerns, relative to the present one. */
type Move = {
  readonly event: ConnectionEvent['is'];
  readonly age: number;
  readonly code: number;
  readonly withError: boolean;
  readonly isOver: boolean;
  readonly isFinal: boolean;
  readonly retryAfterMs: number | undefined;
};

const moves: fc.Arbitrary<Move> = fc.record({
  event: fc.constantFrom<ConnectionEvent['is']>(
    ...(['connect', 'opened', 'opened', 'lost', 'timeout', 'deadline', 'suspended', 'woken', 'accepted', 'close', 'terminate'] as const),
  ),
  age: fc.constantFrom(0, 0, 0, 1, 2, -1),
  code: fc.constantFrom(1000, 1001, 1006, 1008, 1012, 4401, 4000),
  withError: fc.boolean(),
  isOver: fc.boolean(),
  isFinal: fc.boolean(),
  retryAfterMs: fc.constantFrom(undefined, undefined, 0, 7_000),
});

const notResumed = abnormalClose('Not resumed.');

/** The recoveries of the plain channel, of a session's client, and of a session's server. */
const recoveries: Record<string, Recover> = {
  plain: (loss, policy, chance) => (loss.goodbye === undefined ? redial(loss, policy, chance) : undefined),
  client: (loss, policy, chance) =>
    loss.goodbye !== undefined && (loss.goodbye.isFinal || loss.isOver) ? undefined : redial(loss, policy, chance),
  server: ({ hasOpened, isOver, goodbye }) =>
    !hasOpened || isOver || goodbye?.isFinal ? undefined : { delayMs: 120_000, action: notResumed },
};

const policies: fc.Arbitrary<Policy> = fc
  .record({
    connectTimeoutMs: fc.constant(10_000),
    closeTimeoutMs: fc.constant(5_000),
    retryFirstAttempt: fc.boolean(),
    channel: fc.constantFrom('plain', 'client', 'server'),
    reconnect: fc.option(
      fc.record({ minDelayMs: fc.constant(500), maxDelayMs: fc.constant(30_000), maxAttempts: fc.constantFrom(1, 3, 1e9) }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ channel, ...policy }) => ({ ...policy, recover: recoveries[channel] as Recover }));

function eventOf(move: Move, state: State, { recover }: Policy): ConnectionEvent {
  const transport = ('transport' in state ? state.transport : 1) - move.age;
  const { isOver, retryAfterMs } = move;
  const info = { code: move.code, reason: '', wasClean: false };
  const error = move.withError ? new WebsocketError('CONNECT_FAILED', 'refused') : undefined;
  switch (move.event) {
    case 'opened':
      return { is: 'opened', transport };
    case 'lost':
      return { is: 'lost', transport, info, error, isOver, retryAfterMs };
    case 'close':
      return { is: 'close', code: 1000, reason: '', isFinal: move.isFinal || recover === recoveries.plain };
    case 'terminate':
      return { is: 'terminate', info, error };
    default:
      return { is: move.event };
  }
}

/** Only a running timer can fire. */
function isPossible(state: State, event: ConnectionEvent): boolean {
  if (event.is !== 'timeout') return true;
  return state.at === 'waiting' ? Number.isFinite(state.recovery.delayMs) : state.at === 'dialing' || state.at === 'open';
}

function isLate(state: State, event: ConnectionEvent): boolean {
  return (event.is === 'lost' || event.is === 'opened') && event.transport !== transportOf(state);
}

function move(walk: Walk, event: ConnectionEvent, policy: Policy, chance: number): void {
  const before = walk.state;
  if (!isPossible(before, event)) return;
  const state = next(before, event, policy, chance);
  if (isLate(before, event) || before.at === 'closed') expect(state, 'nothing changes').toBe(before);
  if (before.at !== 'idle') expect(state.at).not.toBe('idle');
  checkTransports(walk, state);
  checkGoodbye(before, state);
  if (state.at === 'open' && before.at !== 'open') {
    walk.openings += 1;
    expect(state.isFirst, 'one opening is the first').toBe(walk.openings === 1);
  }
  if (state.at !== 'waiting') walk.isSuspended = false;
  else if (before.at !== 'waiting') {
    walk.isSuspended = event.is === 'suspended';
    if (!walk.isSuspended && state.recovery.action === 'dial')
      expect(state.attempt).toBeLessThanOrEqual(policy.reconnect?.maxAttempts ?? 0);
  }
  walk.state = state;
}

function checkTransports(walk: Walk, state: State): void {
  if (!('transport' in state)) return;
  const isDialed = state.at === 'dialing' && state.transport !== walk.transports;
  expect(state.transport, `${state.at} and its transport`).toBe(walk.transports + (isDialed ? 1 : 0));
  walk.transports = state.transport;
}

function checkGoodbye(before: State, state: State): void {
  const [was, is] = [goodbyeOf(before), goodbyeOf(state)];
  if (was === undefined || state.at === 'closed') return;
  expect(is, `${before.at} with a goodbye, then ${state.at}`).toMatchObject({ code: was.code, reason: was.reason });
  if (was.isFinal) expect(is?.isFinal).toBe(true);
}

function checkInvariants({ state, openings, transports, isSuspended }: Walk): void {
  expect(publicState(state) === 'closing', `${state.at} and the goodbye`).toBe(goodbyeOf(state) !== undefined);
  if ('hasOpened' in state) expect(state.hasOpened).toBe(openings > 0);
  if (state.at === 'open') expect(goodbyeOf(state)).toBeUndefined();
  if (state.at === 'closing') expect(openings).toBeGreaterThan(0);
  if ('failures' in state) {
    expect(state.failures).toBeGreaterThanOrEqual(0);
    expect(state.failures, 'a transport fails once').toBeLessThanOrEqual(state.at === 'waiting' ? transports : transports - 1);
  }
  if (state.at !== 'waiting') return;
  const { delayMs } = state.recovery;
  expect(state.attempt).toBe(isSuspended ? state.failures + 1 : state.failures);
  if (isSuspended) expect(state.recovery).toEqual({ delayMs: Number.POSITIVE_INFINITY, action: 'dial' });
  else expect(delayMs >= 0 && delayMs < 2 ** 31, `a delay of ${delayMs} ms fits a timer`).toBe(true);
}

describe('any sequence of events', () => {
  it('numbers the transports, keeps every wait and every close frame, and reports one first opening', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(moves, { maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (policy, path, chance) => {
          const walk: Walk = { state: { at: 'idle' }, transports: 0, openings: 0, isSuspended: false };
          for (const each of path) {
            move(walk, eventOf(each, walk.state, policy), policy, chance.next().value);
            checkInvariants(walk);
          }
        },
      ),
      { numRuns: 1000, seed: 42 },
    );
  });

  const walked = (from: State, policy: Policy, path: readonly Move[]) =>
    path.reduce((state, each) => next(state, eventOf(each, state, policy), policy, 0.5), from);

  it('always reaches closed after close and its deadline', () => {
    fc.assert(
      fc.property(policies, fc.array(moves, { maxLength: 30 }), fc.boolean(), (policy, path, isFinal) => {
        const closing = next(walked({ at: 'idle' }, policy, path), { is: 'close', code: 1000, reason: '', isFinal }, policy, 0.5);
        expect(['closing', 'closed']).toContain(publicState(closing));
        expect(next(closing, { is: 'deadline' }, policy, 0.5).at).toBe('closed');
      }),
      { seed: 42 },
    );
  });

  it('always reaches closed after terminate', () => {
    fc.assert(
      fc.property(policies, fc.array(moves, { maxLength: 30 }), (policy, path) => {
        const begun = next({ at: 'idle' }, { is: 'connect' }, policy, 0.5);
        const state = walked(begun, policy, path);
        expect(next(state, { is: 'terminate', info: notResumed, error: undefined }, policy, 0.5).at).toBe('closed');
      }),
      { seed: 42 },
    );
  });
});
