import { describe, expect, it } from 'vitest';
import { step } from '../../../src/core/machine.js';
import { type Policy, publicState, type State } from '../../../src/core/state.js';

const policy: Policy = {
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 10 },
  retryFirstAttempt: false,
  resumes: true,
};
const serverEnd: Policy = { ...policy, resumeWindowMs: 120_000 };
const cut = { code: 1006, reason: '', wasClean: false };
const open: State = { at: 'open', transport: 1, failures: 0 };
const waiting: State = { at: 'waiting', transport: 1, failures: 1, to: 'reopen' };

describe("the server's end of a session", () => {
  it('waits for its peer for the resume window when the wire is lost, and dials nobody', () => {
    const { state, effects } = step(open, { is: 'lost', transport: 1, info: cut }, serverEnd, 0.5);
    expect(state).toEqual(waiting);
    expect(publicState(state)).toBe('reconnecting');
    expect(effects).toEqual([
      { do: 'startTimer', delayMs: 120_000 },
      { do: 'reportRetry', attempt: 1, delayMs: 120_000, cause: cut },
    ]);
  });

  it('is closed when the window is over', () => {
    const { state, effects } = step(waiting, { is: 'timeout' }, serverEnd, 0.5);
    expect(state.at).toBe('closed');
    expect(effects.map((effect) => effect.do)).toEqual(['reportClosed']);
  });

  it('takes the new wire while it waits', () => {
    const { state, effects } = step(waiting, { is: 'takeOver' }, serverEnd, 0.5);
    expect(state).toEqual({ at: 'dialing', transport: 2, failures: 1, to: 'reopen' });
    expect(effects).toContainEqual({ do: 'dial', transport: 2 });
  });

  it('takes the new wire before it has seen the old one die, and closes that with 4409', () => {
    const { state, effects } = step(open, { is: 'takeOver' }, serverEnd, 0.5);
    expect(state).toEqual({ at: 'dialing', transport: 2, failures: 1, to: 'reopen' });
    expect(effects.map((effect) => effect.do)).toEqual(['detachTransport', 'reportRetry', 'startTimer', 'dial']);
    expect(effects[0]).toEqual({ do: 'detachTransport', code: 4409, reason: 'taken over' });
  });

  it.each([
    ['said goodbye', { isOver: true }, cut],
    ['closed with a code that ends a session', {}, { code: 1000, reason: '', wasClean: true }],
  ])('does not wait for a peer that %s', (_what, more, info) => {
    expect(step(open, { is: 'lost', transport: 1, info, ...more }, serverEnd, 0.5).state).toEqual({ at: 'closed', info });
  });

  it('does not wait for a peer that never was there', () => {
    const dialing: State = { at: 'dialing', transport: 1, failures: 0, to: 'open' };
    expect(step(dialing, { is: 'lost', transport: 1, info: cut }, serverEnd, 0.5).state.at).toBe('closed');
  });

  it.each<[string, State]>([
    ['is open', open],
    ['waits for it', waiting],
  ])('that gives its peer up while it %s waits for nobody any more', (_what, state) => {
    const info = { code: 1013, reason: 'TOO_SLOW', wasClean: false };
    const { state: after, effects } = step(state, { is: 'terminate', info }, serverEnd, 0.5);
    expect(after).toEqual({ at: 'closed', info });
    expect(effects).toEqual([
      { do: 'detachTransport', code: 1013, reason: 'TOO_SLOW' },
      { do: 'reportClosed', info, cause: undefined },
    ]);
  });

  it('drops the socket of a peer that it gives up without a goodbye', () => {
    expect(step(open, { is: 'terminate', info: cut }, serverEnd, 0.5).effects[0]).toEqual({ do: 'detachTransport' });
  });

  it('is not woken into dialling', () => {
    expect(step(waiting, { is: 'woken' }, serverEnd, 0.5)).toEqual({ state: waiting, effects: [] });
  });

  it.each<State>([{ at: 'idle' }, { at: 'closing', transport: 1, failures: 0, mayReturn: false }, { at: 'closed', info: cut }])(
    'has no use for a new wire while $at',
    (state) => {
      expect(step(state, { is: 'takeOver' }, serverEnd, 0.5)).toEqual({ state, effects: [] });
    },
  );
});

describe('close() of what outlives its wire', () => {
  const closing: State = { at: 'closing', transport: 1, failures: 0, mayReturn: true };
  const away: State = { at: 'waiting', transport: 1, failures: 1, to: 'finish' };
  const closed = { at: 'closed', info: { code: 1006, wasClean: false } };
  const bye = { is: 'close', code: 4000, reason: 'done' } as const;
  const lost = { is: 'lost', transport: 1, info: cut } as const;

  it('goes back over a new wire when the wire is lost, and tells nobody', () => {
    expect(step(open, bye, policy, 0.5).state).toEqual(closing);
    expect(step(closing, lost, policy, 0.5)).toEqual({ state: away, effects: [{ do: 'startTimer', delayMs: 250 }] });
    const { state, effects } = step(away, { is: 'timeout' }, policy, 0.5);
    expect([state, effects.map((effect) => effect.do)]).toEqual([{ ...away, at: 'dialing', transport: 2 }, ['startTimer', 'dial']]);
    expect(step(state, { is: 'opened', transport: 2 }, policy, 0.5)).toEqual({
      state: { ...closing, transport: 2, failures: 1 },
      effects: [],
    });
  });

  it('waits for the peer where it cannot dial, for as long as close() may take', () => {
    const { state } = step(closing, lost, serverEnd, 0.5);
    expect(state).toEqual(away);
    expect(step(state, { is: 'takeOver' }, serverEnd, 0.5).state).toEqual({ ...away, at: 'dialing', transport: 2 });
    expect(step(state, { is: 'deadline' }, serverEnd, 0.5).state).toMatchObject(closed);
  });

  it('lets a peer that comes back before its wire was seen to die in to hear it', () => {
    const { state, effects } = step(closing, { is: 'takeOver' }, serverEnd, 0.5);
    expect(state).toMatchObject({ at: 'dialing', transport: 2, to: 'finish' });
    expect(effects.map((effect) => effect.do)).toEqual(['detachTransport', 'startTimer', 'dial']);
  });

  it.each<State>([
    { at: 'waiting', transport: 1, failures: 1, to: 'reopen' },
    { at: 'dialing', transport: 1, failures: 1, to: 'reopen' },
  ])('asked for while $at after a break finishes what was accepted before', (state) => {
    const next = step(state, bye, policy, 0.5);
    expect(next.state).toEqual({ ...state, to: 'finish' });
    expect(next.effects.map((effect) => effect.do)).toEqual(['startDeadline', 'closeChannel']);
    expect(publicState(next.state)).toBe('closing');
    expect(step(next.state, bye, policy, 0.5)).toEqual({ state: next.state, effects: [] });
  });

  it.each<State>([closing, away, { ...away, at: 'dialing' }])('ends at its deadline, $at', (state) => {
    expect(step(state, { is: 'deadline' }, policy, 0.5).state).toMatchObject(closed);
  });

  it.each<[string, State]>([
    ['of a connection that never opened', { at: 'waiting', transport: 1, failures: 1, to: 'open' }],
    ['that was asked for once more, finally', away],
    ['that was asked for once more, finally, while it dials', { ...away, at: 'dialing' }],
  ])('%s waits for nobody', (_what, state) => {
    expect(step(state, { ...bye, isFinal: true }, policy, 0.5).state).toMatchObject(closed);
  });

  it.each<[string, State, object]>([
    ['both sides know that it is over', closing, { isOver: true }],
    ['the peer closed for good', closing, { info: { code: 1000, reason: '', wasClean: true } }],
    ['it was final', step(closing, { ...bye, isFinal: true }, policy, 0.5).state, {}],
  ])('is over with the wire where %s', (_what, state, how) => {
    expect(step(state, { ...lost, ...how }, policy, 0.5).state.at).toBe('closed');
  });

  it('is over with the wire where one connection was asked for', () => {
    expect(step(closing, lost, { ...policy, reconnect: undefined }, 0.5).state).toMatchObject(closed);
  });
});

describe('a client whose server said when to come back', () => {
  it('waits that long instead of backing off', () => {
    const { effects } = step(open, { is: 'lost', transport: 1, info: cut, retryAfterMs: 7_000 }, policy, 0.5);
    expect(effects[0]).toEqual({ do: 'startTimer', delayMs: 7_000 });
  });

  it('comes back to a server that ended the session for a while', () => {
    const info = { code: 1012, reason: '', wasClean: true };
    expect(step(open, { is: 'lost', transport: 1, info, isOver: true }, policy, 0.5).state.at).toBe('waiting');
  });
});

it('an attempt that takes too long asks for a gemsocket server, for another may have selected gem.1 and say nothing', () => {
  const dialing: State = { at: 'dialing', transport: 1, failures: 0, to: 'open' };
  const { effects } = step(dialing, { is: 'timeout' }, policy, 0.5);
  expect(effects).toContainEqual({
    do: 'reportError',
    error: expect.objectContaining({ code: 'CONNECT_TIMEOUT', message: expect.stringContaining('a gemsocket server') }),
  });
});
