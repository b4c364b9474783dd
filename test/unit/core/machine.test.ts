import { describe, expect, it, test } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { redial } from '../../../src/core/machine.js';
import { type Policy, publicState, type Recover, type State, transportOf } from '../../../src/core/state.js';
import type { CloseInfo } from '../../../src/core/types.js';
import { type ConnectionEvent, next } from '../../support/machine.js';

/** The recovery of the plain channel: after `close()` no transport is opened. */
const recover: Recover = (loss, policy, chance) => (loss.goodbye === undefined ? redial(loss, policy, chance) : undefined);

const policy: Policy = {
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: Number.POSITIVE_INFINITY },
  retryFirstAttempt: false,
  recover,
};
const once: Policy = { ...policy, reconnect: undefined };
const retriesFirst: Policy = { ...policy, retryFirstAttempt: true };

const abnormal: CloseInfo = { code: 1006, reason: '', wasClean: false };
const normal: CloseInfo = { code: 1000, reason: 'bye', wasClean: true };
const overload: CloseInfo = { code: 1013, reason: 'TOO_SLOW', wasClean: false };
const refused = new WebsocketError('CONNECT_FAILED', 'refused');
const goodbye = { code: 4000, reason: 'done', isFinal: true };

const states = {
  idle: { at: 'idle' },
  'dialing for the first time': { at: 'dialing', transport: 7, failures: 0, hasOpened: false, goodbye: undefined },
  'dialing again, never open': { at: 'dialing', transport: 7, failures: 2, hasOpened: false, goodbye: undefined },
  'dialing again': { at: 'dialing', transport: 7, failures: 2, hasOpened: true, goodbye: undefined },
  open: { at: 'open', transport: 7, failures: 2, isFirst: true },
  waiting: {
    at: 'waiting',
    transport: 7,
    failures: 2,
    hasOpened: true,
    goodbye: undefined,
    attempt: 2,
    recovery: { delayMs: 250, action: 'dial' },
    info: abnormal,
    error: undefined,
  },
  closing: { at: 'closing', transport: 7, failures: 0, goodbye },
  closed: { at: 'closed', info: normal, error: undefined },
} as const satisfies Record<string, State>;

const events = {
  connect: { is: 'connect' },
  opened: { is: 'opened', transport: 7 },
  'late opened': { is: 'opened', transport: 6 },
  lost: { is: 'lost', transport: 7, info: abnormal },
  'late lost': { is: 'lost', transport: 6, info: abnormal },
  timeout: { is: 'timeout' },
  deadline: { is: 'deadline' },
  suspended: { is: 'suspended' },
  woken: { is: 'woken' },
  accepted: { is: 'accepted' },
  close: { is: 'close', ...goodbye },
  terminate: { is: 'terminate', info: overload, error: refused },
} as const satisfies Record<string, ConnectionEvent>;

type StateName = keyof typeof states;
type EventName = keyof typeof events;
/** The next state; 'stays' is the same state. */
type Outcome = 'stays' | State['at'];

const table: Record<StateName, Record<EventName, Outcome>> = {
  idle: {
    connect: 'dialing',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'stays',
    'late lost': 'stays',
    timeout: 'stays',
    deadline: 'stays',
    suspended: 'stays',
    woken: 'stays',
    accepted: 'stays',
    close: 'closed',
    terminate: 'stays',
  },
  'dialing for the first time': {
    connect: 'stays',
    opened: 'open',
    'late opened': 'stays',
    lost: 'closed',
    'late lost': 'stays',
    timeout: 'closed',
    deadline: 'stays',
    suspended: 'waiting',
    woken: 'stays',
    accepted: 'dialing',
    close: 'closed',
    terminate: 'closed',
  },
  'dialing again, never open': {
    connect: 'stays',
    opened: 'open',
    'late opened': 'stays',
    lost: 'waiting',
    'late lost': 'stays',
    timeout: 'waiting',
    deadline: 'stays',
    suspended: 'waiting',
    woken: 'stays',
    accepted: 'dialing',
    close: 'closed',
    terminate: 'closed',
  },
  'dialing again': {
    connect: 'stays',
    opened: 'open',
    'late opened': 'stays',
    lost: 'waiting',
    'late lost': 'stays',
    timeout: 'waiting',
    deadline: 'stays',
    suspended: 'waiting',
    woken: 'stays',
    accepted: 'dialing',
    close: 'closed',
    terminate: 'closed',
  },
  open: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'waiting',
    'late lost': 'stays',
    timeout: 'open',
    deadline: 'stays',
    suspended: 'waiting',
    woken: 'stays',
    accepted: 'dialing',
    close: 'closing',
    terminate: 'closed',
  },
  waiting: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'stays',
    'late lost': 'stays',
    timeout: 'dialing',
    deadline: 'stays',
    suspended: 'stays',
    woken: 'dialing',
    accepted: 'dialing',
    close: 'closed',
    terminate: 'closed',
  },
  closing: {
    connect: 'stays',
    opened: 'stays',
    'late opened': 'stays',
    lost: 'closed',
    'late lost': 'stays',
    timeout: 'stays',
    deadline: 'closed',
    suspended: 'stays',
    woken: 'stays',
    accepted: 'stays',
    close: 'stays',
    terminate: 'closed',
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
    accepted: 'stays',
    close: 'stays',
    terminate: 'stays',
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
    const after = next(before, events[event], policy, 0.5);
    if (expected === 'stays') expect(after).toBe(before);
    else expect([after.at, after === before]).toEqual([expected, false]);
  });

  it('covers each state of the machine, and the function is pure', () => {
    expect(new Set(Object.values(states).map((state) => state.at))).toEqual(
      new Set<State['at']>(['idle', 'dialing', 'open', 'waiting', 'closing', 'closed']),
    );
    const frozen = Object.freeze({ ...states.open });
    expect(next(frozen, events.lost, policy, 0.5)).toEqual(next(frozen, events.lost, policy, 0.5));
  });

  it('has a transport exactly where one is being opened or is held', () => {
    const held = (Object.keys(states) as StateName[]).filter((state) => transportOf(states[state]) !== undefined);
    expect(held).toEqual(['dialing for the first time', 'dialing again, never open', 'dialing again', 'open', 'closing']);
  });
});

describe('dialing', () => {
  it('numbers each transport', () => {
    const first = next(states.idle, events.connect, policy, 0);
    expect(first).toEqual({ at: 'dialing', transport: 1, failures: 0, hasOpened: false, goodbye: undefined });
    const second = next(states.waiting, events.timeout, policy, 0);
    expect(second).toEqual({ at: 'dialing', transport: 8, failures: 2, hasOpened: true, goodbye: undefined });
  });

  it('distinguishes the first opening from later ones', () => {
    const opened = (state: State) => next(state, events.opened, policy, 0);
    expect(opened(states['dialing for the first time'])).toEqual({ at: 'open', transport: 7, failures: 0, isFirst: true });
    expect(opened(states['dialing again, never open'])).toEqual({ at: 'open', transport: 7, failures: 2, isFirst: true });
    expect(opened(states['dialing again'])).toEqual({ at: 'open', transport: 7, failures: 2, isFirst: false });
  });

  it('ends with the error when the first attempt fails', () => {
    const state = next(states['dialing for the first time'], { ...events.lost, error: refused }, policy, 0.5);
    expect(state).toEqual({ at: 'closed', info: abnormal, error: refused });
  });

  it('ends with CONNECT_TIMEOUT when the time is over', () => {
    expect(next(states['dialing for the first time'], events.timeout, policy, 0.5)).toMatchObject({
      at: 'closed',
      info: { code: 1006, wasClean: false },
      error: { code: 'CONNECT_TIMEOUT', context: { timeoutMs: 10_000 } },
    });
  });

  it('waits after an attempt that timed out, where it may retry, and keeps the cause', () => {
    const state = next(states['dialing again'], events.timeout, policy, 0.5);
    expect(state).toMatchObject({ at: 'waiting', failures: 3, attempt: 3, error: { code: 'CONNECT_TIMEOUT' } });
  });

  it('retries after a failed first attempt where the policy allows it', () => {
    expect(next(states['dialing for the first time'], { ...events.lost, error: refused }, retriesFirst, 0.5)).toEqual({
      at: 'waiting',
      transport: 7,
      failures: 1,
      hasOpened: false,
      goodbye: undefined,
      attempt: 1,
      recovery: { delayMs: 250, action: 'dial' },
      info: abnormal,
      error: refused,
    });
  });
});

describe('reconnecting', () => {
  const lostFrom = (failures: number, chance: number) => next({ ...states.open, failures }, events.lost, policy, chance);
  const delayFrom = (failures: number, chance: number) => {
    const state = lostFrom(failures, chance);
    return state.at === 'waiting' && state.recovery.action === 'dial' && state.recovery.delayMs;
  };

  it('doubles the ceiling of the delay up to the maximum and draws evenly below it', () => {
    const ceilings = [0, 1, 2, 3, 4, 5, 6, 7, 100].map((failures) => delayFrom(failures, 0.999_999));
    expect(ceilings).toEqual([499, 999, 1999, 3999, 7999, 15_999, 29_999, 29_999, 29_999]);
    expect(delayFrom(3, 0)).toBe(0);
    expect(delayFrom(3, 0.25)).toBe(1000);
  });

  it('keeps counting failures through a connection that did not last', () => {
    const opened = next(states['dialing again'], events.opened, policy, 0);
    expect(next(opened, events.lost, policy, 0.5)).toMatchObject({ at: 'waiting', failures: 3, attempt: 3 });
  });

  it('starts counting again once a connection has lasted', () => {
    const proven = next(states.open, events.timeout, policy, 0);
    expect(proven).toEqual({ at: 'open', transport: 7, failures: 0, isFirst: true });
    expect(next(proven, events.lost, policy, 0.5)).toMatchObject({ at: 'waiting', failures: 1, attempt: 1 });
  });

  it('stops after maxAttempts with the last error', () => {
    const twice: Policy = { ...policy, reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 2 } };
    expect(next({ ...states.open, failures: 1 }, events.lost, twice, 0).at).toBe('waiting');
    const state = next(states['dialing again'], { ...events.lost, error: refused }, twice, 0);
    expect(state).toEqual({ at: 'closed', info: abnormal, error: refused });
  });

  it('keeps the cause of the wait', () => {
    const state = next(states.open, { ...events.lost, error: refused }, policy, 0);
    expect(state).toMatchObject({ at: 'waiting', info: abnormal, error: refused });
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
  ])('after close code %i reconnects: %s', (code, reconnects) => {
    const state = next(states.open, { is: 'lost', transport: 7, info: { code, reason: '', wasClean: true } }, policy, 0);
    expect(state.at).toBe(reconnects ? 'waiting' : 'closed');
  });

  it('does not happen when `reconnect` is false', () => {
    expect(next(states.open, events.lost, once, 0)).toEqual({ at: 'closed', info: abnormal, error: undefined });
    expect(next(states.open, events.suspended, once, 0)).toMatchObject({ at: 'closed', info: { code: 1001 } });
  });
});

describe('suspended', () => {
  it('waits without a timer for `woken`', () => {
    const state = next(states.open, events.suspended, policy, 0.5);
    expect(state).toEqual({
      at: 'waiting',
      transport: 7,
      failures: 2,
      hasOpened: true,
      goodbye: undefined,
      attempt: 3,
      recovery: { delayMs: Number.POSITIVE_INFINITY, action: 'dial' },
      info: { code: 1001, reason: 'page hidden', wasClean: false },
      error: undefined,
    });
    const woken = next(state, events.woken, policy, 0.5);
    expect(woken).toEqual({ at: 'dialing', transport: 8, failures: 2, hasOpened: true, goodbye: undefined });
  });

  it('does not count as a failure: a first attempt is still a first attempt afterwards', () => {
    const state = next(states['dialing for the first time'], events.suspended, policy, 0.5);
    const again = next(state, events.woken, policy, 0.5);
    expect(again).toEqual({ at: 'dialing', transport: 8, failures: 0, hasOpened: false, goodbye: undefined });
    expect(next(again, { ...events.lost, transport: 8 }, policy, 0.5).at).toBe('closed');
  });

  it('does not claim a closing handshake that did not happen', () => {
    expect(next(states.open, events.suspended, once, 0)).toMatchObject({ info: { code: 1001, wasClean: false } });
  });
});

describe('closing', () => {
  it("keeps the transport and the application's code and reason", () => {
    const closing = { at: 'closing', transport: 7, failures: 2, goodbye };
    expect(next(states.open, events.close, policy, 0)).toEqual(closing);
  });

  it("ends with the peer's code and never reconnects", () => {
    const state = next(states.closing, { is: 'lost', transport: 7, info: normal }, policy, 0);
    expect(state).toEqual({ at: 'closed', info: normal, error: undefined });
  });

  it('keeps an error that ends it', () => {
    const state = next(states.closing, { ...events.lost, error: refused }, policy, 0);
    expect(state).toEqual({ at: 'closed', info: abnormal, error: refused });
  });

  it('is abnormal without an answer, or before the connection was open', () => {
    expect(next(states.closing, events.deadline, policy, 0)).toMatchObject({
      info: { code: 1006, reason: 'No answer to the close frame within 5000 ms.', wasClean: false },
      error: undefined,
    });
    for (const state of [states.idle, states['dialing again'], states.waiting]) {
      const after = next(state, events.close, policy, 0);
      expect(after).toEqual({ at: 'closed', info: { code: 1006, reason: 'done', wasClean: false }, error: undefined });
    }
  });
});

describe('terminate', () => {
  const ended = (Object.keys(states) as StateName[]).filter((state) => table[state].terminate === 'closed');

  it.each(ended)('ends %s with the given code and error', (state) => {
    expect(next(states[state], events.terminate, policy, 0)).toEqual({ at: 'closed', info: overload, error: refused });
  });
});

describe('the public state', () => {
  test.each([
    ['idle', 'idle'],
    ['dialing for the first time', 'connecting'],
    ['dialing again, never open', 'reconnecting'],
    ['dialing again', 'reconnecting'],
    ['open', 'open'],
    ['waiting', 'reconnecting'],
    ['closing', 'closing'],
    ['closed', 'closed'],
  ] as const)('of %s is %s', (state, reported) => {
    expect(publicState(states[state])).toBe(reported);
  });
});
