import { describe, expect, it, test } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { PROVEN_MS, step } from '../../../src/core/machine.js';
import { type Effect, type MachineEvent, type Policy, publicState, type State } from '../../../src/core/state.js';
import type { CloseInfo } from '../../../src/core/types.js';

const policy: Policy = {
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: Number.POSITIVE_INFINITY },
  retryFirstAttempt: false,
  resumes: false,
};
const once: Policy = { ...policy, reconnect: undefined };
const stubborn: Policy = { ...policy, retryFirstAttempt: true };

const broken: CloseInfo = { code: 1006, reason: '', wasClean: false };
const normal: CloseInfo = { code: 1000, reason: 'bye', wasClean: true };
const refused = new WebsocketError('CONNECT_FAILED', 'refused');

const states = {
  idle: { at: 'idle' },
  'dialing for the first time': { at: 'dialing', transport: 7, failures: 0, to: 'open' },
  'dialing again, never open': { at: 'dialing', transport: 7, failures: 2, to: 'open' },
  'dialing again': { at: 'dialing', transport: 7, failures: 2, to: 'reopen' },
  open: { at: 'open', transport: 7, failures: 2 },
  waiting: { at: 'waiting', transport: 7, failures: 2, to: 'reopen' },
  closing: { at: 'closing', transport: 7, failures: 0, mayReturn: false },
  closed: { at: 'closed', info: normal },
} as const satisfies Record<string, State>;

const events = {
  connect: { is: 'connect' },
  opened: { is: 'opened', transport: 7 },
  'late opened': { is: 'opened', transport: 6 },
  lost: { is: 'lost', transport: 7, info: broken },
  'late lost': { is: 'lost', transport: 6, info: broken },
  timeout: { is: 'timeout' },
  deadline: { is: 'deadline' },
  suspended: { is: 'suspended' },
  woken: { is: 'woken' },
  close: { is: 'close', code: 4000, reason: 'done' },
} as const satisfies Record<string, MachineEvent>;

type StateName = keyof typeof states;
type EventName = keyof typeof events;
/** The state that follows, then the effects by name; 'stays' is the same state and no effect at all. */
type Outcome = 'stays' | readonly [State['at'], ...Effect['do'][]];

const table: Record<StateName, Record<EventName, Outcome>> = {
  idle: {
    connect: ['dialing', 'startTimer', 'dial'],
    opened: 'stays',
    'late opened': 'stays',
    lost: 'stays',
    'late lost': 'stays',
    timeout: 'stays',
    deadline: 'stays',
    suspended: 'stays',
    woken: 'stays',
    close: ['closed', 'reportClosed'],
  },
  'dialing for the first time': {
    connect: 'stays',
    opened: ['open', 'startTimer', 'reportOpened'],
    'late opened': 'stays',
    lost: ['closed', 'reportClosed'],
    'late lost': 'stays',
    timeout: ['closed', 'detachTransport', 'reportError', 'reportClosed'],
    deadline: 'stays',
    suspended: ['waiting', 'detachTransport', 'reportRetry'],
    woken: 'stays',
    close: ['closed', 'detachTransport', 'reportClosed'],
  },
  'dialing again, never open': {
    connect: 'stays',
    opened: ['open', 'startTimer', 'reportOpened'],
    'late opened': 'stays',
    lost: ['waiting', 'startTimer', 'reportRetry'],
    'late lost': 'stays',
    timeout: ['waiting', 'detachTransport', 'startTimer', 'reportRetry'],
    deadline: 'stays',
    suspended: ['waiting', 'detachTransport', 'reportRetry'],
    woken: 'stays',
    close: ['closed', 'detachTransport', 'reportClosed'],
  },
  'dialing again': {
    connect: 'stays',
    opened: ['open', 'startTimer', 'reportOpened'],
    'late opened': 'stays',
    lost: ['waiting', 'startTimer', 'reportRetry'],
    'late lost': 'stays',
    timeout: ['waiting', 'detachTransport', 'startTimer', 'reportRetry'],
    deadline: 'stays',
    suspended: ['waiting', 'detachTransport', 'reportRetry'],
    woken: 'stays',
    close: ['closed', 'detachTransport', 'reportClosed'],
  },
  open: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: ['waiting', 'startTimer', 'reportRetry'],
    'late lost': 'stays',
    timeout: ['open'],
    deadline: 'stays',
    suspended: ['waiting', 'detachTransport', 'reportRetry'],
    woken: 'stays',
    close: ['closing', 'startDeadline', 'closeChannel'],
  },
  waiting: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'stays',
    'late lost': 'stays',
    timeout: ['dialing', 'startTimer', 'dial'],
    deadline: 'stays',
    suspended: 'stays',
    woken: ['dialing', 'startTimer', 'dial'],
    close: ['closed', 'reportClosed'],
  },
  closing: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: ['closed', 'reportClosed'],
    'late lost': 'stays',
    timeout: 'stays',
    deadline: ['closed', 'detachTransport', 'reportClosed'],
    suspended: 'stays',
    woken: 'stays',
    close: 'stays',
  },
  closed: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'stays',
    'late lost': 'stays',
    timeout: 'stays',
    deadline: 'stays',
    suspended: 'stays',
    woken: 'stays',
    close: 'stays',
  },
};

describe('every state with every event', () => {
  const combinations = (Object.keys(states) as StateName[]).flatMap((state) =>
    (Object.keys(events) as EventName[]).map((event) => ({ state, event })),
  );

  test.each(combinations)('$state, $event', ({ state, event }) => {
    const expected = table[state]?.[event];
    if (expected === undefined) throw new Error(`The table says nothing about ${state} with ${event}.`);
    const before: State = states[state];
    const next = step(before, events[event], policy, 0.5);
    if (expected === 'stays') expect(next).toEqual({ state: before, effects: [] });
    else expect([next.state.at, ...next.effects.map((effect) => effect.do)]).toEqual(expected);
  });

  it('covers each state of the machine, and the step is pure', () => {
    expect(new Set(Object.values(states).map((state) => state.at))).toEqual(
      new Set<State['at']>(['idle', 'dialing', 'open', 'waiting', 'closing', 'closed']),
    );
    const frozen = Object.freeze({ ...states.open });
    expect(step(frozen, events.lost, policy, 0.5)).toEqual(step(frozen, events.lost, policy, 0.5));
  });
});

describe('dialing', () => {
  it('numbers each wire, and gives each attempt the same time', () => {
    expect(step(states.idle, events.connect, policy, 0)).toEqual({
      state: { at: 'dialing', transport: 1, failures: 0, to: 'open' },
      effects: [
        { do: 'startTimer', delayMs: policy.connectTimeoutMs },
        { do: 'dial', transport: 1 },
      ],
    });
    expect(step(states.waiting, events.timeout, policy, 0)).toEqual({
      state: { at: 'dialing', transport: 8, failures: 2, to: 'reopen' },
      effects: [
        { do: 'startTimer', delayMs: policy.connectTimeoutMs },
        { do: 'dial', transport: 8 },
      ],
    });
  });

  it('reports the first opening apart from every later one', () => {
    const opened = (state: State) => step(state, events.opened, policy, 0).effects.find((effect) => effect.do === 'reportOpened');
    expect(opened(states['dialing for the first time'])).toMatchObject({ isFirst: true });
    expect(opened(states['dialing again, never open'])).toMatchObject({ isFirst: true });
    expect(opened(states['dialing again'])).toMatchObject({ isFirst: false });
  });

  it('ends with the reason when the first attempt fails', () => {
    const { state, effects } = step(states['dialing for the first time'], { ...events.lost, error: refused }, policy, 0.5);
    expect(state).toEqual({ at: 'closed', info: broken });
    expect(effects).toEqual([
      { do: 'reportError', error: refused },
      { do: 'reportClosed', info: broken, cause: refused },
    ]);
  });

  it('ends with CONNECT_TIMEOUT when the time is over', () => {
    const { effects } = step(states['dialing for the first time'], events.timeout, policy, 0.5);
    expect(effects[0]).toEqual({ do: 'detachTransport' });
    expect(effects[1]).toMatchObject({ error: { code: 'CONNECT_TIMEOUT', context: { timeoutMs: 10_000 } } });
    expect(effects[2]).toMatchObject({ info: { code: 1006, wasClean: false }, cause: { code: 'CONNECT_TIMEOUT' } });
  });

  it('tries on after a first failure where the policy says so', () => {
    const { state, effects } = step(states['dialing for the first time'], { ...events.lost, error: refused }, stubborn, 0.5);
    expect(state).toEqual({ at: 'waiting', transport: 7, failures: 1, to: 'open' });
    expect(effects).toEqual([
      { do: 'startTimer', delayMs: 250 },
      { do: 'reportRetry', attempt: 1, delayMs: 250, cause: refused },
    ]);
  });
});

describe('reconnecting', () => {
  const lostFrom = (failures: number, chance: number) => step({ ...states.open, failures }, events.lost, policy, chance);

  it('doubles the ceiling of the delay up to the maximum, and draws evenly below it', () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 7, 100].map((failures) => lostFrom(failures, 0.999_999).effects[0]);
    expect(ceilings.map((effect) => effect?.do === 'startTimer' && effect.delayMs)).toEqual([
      499, 999, 1999, 3999, 7999, 15_999, 29_999, 29_999, 29_999,
    ]);
    expect(lostFrom(3, 0).effects[0]).toEqual({ do: 'startTimer', delayMs: 0 });
    expect(lostFrom(3, 0.25).effects[0]).toEqual({ do: 'startTimer', delayMs: 1000 });
  });

  it('counts failures on through a connection that did not last', () => {
    const opened = step(states['dialing again'], events.opened, policy, 0);
    expect(opened.effects[0]).toEqual({ do: 'startTimer', delayMs: PROVEN_MS });
    expect(step(opened.state, events.lost, policy, 0.5).state).toMatchObject({ at: 'waiting', failures: 3 });
  });

  it('counts from the start again once a connection has proved itself', () => {
    const proven = step(states.open, events.timeout, policy, 0);
    expect(proven.state).toEqual({ at: 'open', transport: 7, failures: 0 });
    expect(step(proven.state, events.lost, policy, 0.5).state).toMatchObject({ at: 'waiting', failures: 1 });
  });

  it('stops after maxAttempts, with the last reason', () => {
    const twice: Policy = { ...policy, reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 2 } };
    expect(step({ ...states.open, failures: 1 }, events.lost, twice, 0).state.at).toBe('waiting');
    const { state, effects } = step(states['dialing again'], { ...events.lost, error: refused }, twice, 0);
    expect(state.at).toBe('closed');
    expect(effects.at(-1)).toEqual({ do: 'reportClosed', info: broken, cause: refused });
  });

  it('tells an error that broke an open connection; a failed attempt is told by the next one only', () => {
    const effectsOf = (state: State) => step(state, { ...events.lost, error: refused }, policy, 0).effects.map((effect) => effect.do);
    expect(effectsOf(states.open)).toEqual(['startTimer', 'reportError', 'reportRetry']);
    expect(effectsOf(states['dialing again'])).toEqual(['startTimer', 'reportRetry']);
  });

  test.each([
    [1000, false],
    [1001, true],
    [1002, false],
    [1003, false],
    [1005, true],
    [1006, true],
    [1007, false],
    [1008, false],
    [1009, true],
    [1010, false],
    [1011, true],
    [1012, true],
    [1013, true],
    [1014, true],
    [3000, true],
    [4000, true],
    [4399, true],
    [4400, false],
    [4408, false],
    [4499, false],
    [4500, true],
    [4999, true],
  ])('after close code %i: reconnects %s', (code, reconnects) => {
    const { state } = step(states.open, { is: 'lost', transport: 7, info: { code, reason: '', wasClean: true } }, policy, 0);
    expect(state.at).toBe(reconnects ? 'waiting' : 'closed');
  });

  it('does not happen where the options say one connection and no more', () => {
    expect(step(states.open, events.lost, once, 0).state).toEqual({ at: 'closed', info: broken });
    expect(step(states.open, events.suspended, once, 0).state).toMatchObject({ at: 'closed', info: { code: 1001 } });
  });
});

describe('suspended', () => {
  it('says goodbye and waits without a timer, for woken', () => {
    const { state, effects } = step(states.open, events.suspended, policy, 0.5);
    expect(state).toEqual({ at: 'waiting', transport: 7, failures: 2, to: 'reopen' });
    expect(effects[0]).toEqual({ do: 'detachTransport', code: 1001, reason: 'page hidden' });
    expect(effects[1]).toMatchObject({ do: 'reportRetry', attempt: 3, delayMs: Number.POSITIVE_INFINITY });
    expect(step(state, events.woken, policy, 0.5).state).toEqual({ at: 'dialing', transport: 8, failures: 2, to: 'reopen' });
  });

  it('is no failure: a first attempt is still a first attempt afterwards', () => {
    const { state } = step(states['dialing for the first time'], events.suspended, policy, 0.5);
    const again = step(state, events.woken, policy, 0.5).state;
    expect(again).toEqual({ at: 'dialing', transport: 8, failures: 0, to: 'open' });
    expect(step(again, { ...events.lost, transport: 8 }, policy, 0.5).state.at).toBe('closed');
  });

  it('does not claim a closing handshake that nobody saw', () => {
    expect(step(states.open, events.suspended, once, 0).state).toMatchObject({ info: { code: 1001, wasClean: false } });
  });
});

describe('closing', () => {
  it('gives the peer its time to answer', () => {
    expect(step(states.open, events.close, policy, 0)).toEqual({
      state: { at: 'closing', transport: 7, failures: 2, mayReturn: false },
      effects: [
        { do: 'startDeadline', delayMs: policy.closeTimeoutMs },
        { do: 'closeChannel', code: 4000, reason: 'done' },
      ],
    });
  });

  it('ends as the peer says, and never reconnects', () => {
    const { state, effects } = step(states.closing, { is: 'lost', transport: 7, info: normal }, policy, 0);
    expect(state).toEqual({ at: 'closed', info: normal });
    expect(effects).toEqual([{ do: 'reportClosed', info: normal, cause: undefined }]);
  });

  it('tells an error that comes in the way', () => {
    const { effects } = step(states.closing, { ...events.lost, error: refused }, policy, 0);
    expect(effects).toEqual([
      { do: 'reportError', error: refused },
      { do: 'reportClosed', info: broken, cause: refused },
    ]);
  });

  it('is abnormal without an answer, or before the connection was open', () => {
    expect(step(states.closing, events.deadline, policy, 0).state).toMatchObject({ info: { code: 1006, wasClean: false } });
    for (const state of [states.idle, states['dialing again'], states.waiting]) {
      expect(step(state, events.close, policy, 0).state).toEqual({ at: 'closed', info: { code: 1006, reason: 'done', wasClean: false } });
    }
  });
});

describe('what a user is told', () => {
  test.each([
    ['idle', 'idle'],
    ['dialing for the first time', 'connecting'],
    ['dialing again, never open', 'reconnecting'],
    ['dialing again', 'reconnecting'],
    ['open', 'open'],
    ['waiting', 'reconnecting'],
    ['closing', 'closing'],
    ['closed', 'closed'],
  ] as const)('%s is %s', (state, told) => {
    expect(publicState(states[state])).toBe(told);
  });
});
