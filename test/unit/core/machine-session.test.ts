import { describe, expect, it } from 'vitest';
import { abnormalClose } from '../../../src/core/close-codes.js';
import { redial } from '../../../src/core/machine.js';
import { type Policy, publicState, type Recover, type State, type Waiting } from '../../../src/core/state.js';
import { next } from '../../support/machine.js';

/** The recovery of a session's client: after `close()` it reconnects until both sides know that the session is over. */
const redialUnlessOver: Recover = (loss, policy, chance) => {
  const { goodbye, isOver } = loss;
  return goodbye !== undefined && (goodbye.isFinal || isOver) ? undefined : redial(loss, policy, chance);
};

/** The recovery of a session's server: it opens no transport and waits for its client during the resume window. */
const notResumed = abnormalClose('Not resumed within 120000 ms.');
const waitForPeer: Recover = ({ hasOpened, isOver, goodbye }) =>
  !hasOpened || isOver || goodbye?.isFinal ? undefined : { delayMs: 120_000, action: notResumed };

const policy: Policy = {
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 5_000,
  reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 10 },
  retryFirstAttempt: false,
  recover: redialUnlessOver,
};
const serverEnd: Policy = { ...policy, recover: waitForPeer };
const abnormal = { code: 1006, reason: '', wasClean: false };
const goodbye = { code: 4000, reason: 'done', isFinal: false };

const open: State = { at: 'open', transport: 1, failures: 0, isFirst: true };
const waiting: Waiting = {
  at: 'waiting',
  transport: 1,
  failures: 1,
  hasOpened: true,
  goodbye: undefined,
  attempt: 1,
  recovery: { delayMs: 120_000, action: notResumed },
  info: abnormal,
  error: undefined,
};
const redialed: State = { at: 'dialing', transport: 2, failures: 1, hasOpened: true, goodbye: undefined };

describe("the server's side of a session", () => {
  it('waits for its client during the resume window when the transport is lost, and opens none', () => {
    const state = next(open, { is: 'lost', transport: 1, info: abnormal }, serverEnd, 0.5);
    expect(state).toEqual(waiting);
    expect(publicState(state)).toBe('reconnecting');
  });

  it('is closed when the resume window is over', () => {
    expect(next(waiting, { is: 'timeout' }, serverEnd, 0.5)).toEqual({ at: 'closed', info: notResumed, error: undefined });
  });

  it('accepts a new transport while it waits', () => {
    expect(next(waiting, { is: 'accepted' }, serverEnd, 0.5)).toEqual(redialed);
  });

  it('accepts a new transport before the old one has closed', () => {
    expect(next(open, { is: 'accepted' }, serverEnd, 0.5)).toEqual(redialed);
  });

  it('accepts another transport while the channel has not used the last one yet', () => {
    expect(next(redialed, { is: 'accepted' }, serverEnd, 0.5)).toEqual({ ...redialed, transport: 3, failures: 2 });
  });

  it.each([
    ['ended the session', { isOver: true }, abnormal],
    ['closed with a code that ends a session', {}, { code: 1000, reason: '', wasClean: true }],
  ])('does not wait for a client that %s', (_what, more, info) => {
    const state = next(open, { is: 'lost', transport: 1, info, ...more }, serverEnd, 0.5);
    expect(state).toEqual({ at: 'closed', info, error: undefined });
  });

  it('does not wait for a client that never opened the session', () => {
    const dialing: State = { at: 'dialing', transport: 1, failures: 0, hasOpened: false, goodbye: undefined };
    expect(next(dialing, { is: 'lost', transport: 1, info: abnormal }, serverEnd, 0.5).at).toBe('closed');
  });

  it.each<[string, State]>([
    ['is open', open],
    ['waits for its return', waiting],
  ])('that terminates its client while it %s stops waiting', (_what, state) => {
    const info = { code: 1013, reason: 'TOO_SLOW', wasClean: false };
    expect(next(state, { is: 'terminate', info, error: undefined }, serverEnd, 0.5)).toEqual({ at: 'closed', info, error: undefined });
  });

  it('does not connect when it is woken', () => {
    expect(next(waiting, { is: 'woken' }, serverEnd, 0.5)).toBe(waiting);
  });

  it.each<State>([
    { at: 'idle' },
    { at: 'closing', transport: 1, failures: 0, goodbye: { ...goodbye, isFinal: true } },
    { at: 'closed', info: abnormal, error: undefined },
  ])('ignores a new transport while $at', (state) => {
    expect(next(state, { is: 'accepted' }, serverEnd, 0.5)).toBe(state);
  });
});

describe('close() of a channel that resumes', () => {
  const closing: State = { at: 'closing', transport: 1, failures: 0, goodbye };
  const away: Waiting = { ...waiting, goodbye, recovery: { delayMs: 250, action: 'dial' } };
  const dialing: State = { at: 'dialing', transport: 1, failures: 1, hasOpened: true, goodbye };
  const closed = { at: 'closed', info: { code: 1006, wasClean: false } };
  const close = { is: 'close', ...goodbye } as const;
  const lost = { is: 'lost', transport: 1, info: abnormal } as const;

  it('continues over a new transport with the same close frame when the transport is lost', () => {
    expect(next(open, close, policy, 0.5)).toEqual(closing);
    expect(next(closing, lost, policy, 0.5)).toEqual(away);
    const state = next(away, { is: 'timeout' }, policy, 0.5);
    expect(state).toEqual({ ...dialing, transport: 2 });
    expect([closing, away, state].map(publicState)).toEqual(['closing', 'closing', 'closing']);
    expect(next(state, { is: 'opened', transport: 2 }, policy, 0.5)).toEqual({ ...closing, transport: 2, failures: 1 });
  });

  it('waits for the peer when it cannot connect itself, until the close timeout', () => {
    const state = next(closing, lost, serverEnd, 0.5);
    expect(state).toEqual({ ...waiting, goodbye });
    expect(next(state, { is: 'accepted' }, serverEnd, 0.5)).toEqual({ ...dialing, transport: 2 });
    expect(next(state, { is: 'deadline' }, serverEnd, 0.5)).toMatchObject(closed);
  });

  it('accepts a transport on which the peer reconnects before the old one has closed', () => {
    const state = next(closing, { is: 'accepted' }, serverEnd, 0.5);
    expect(state).toMatchObject({ at: 'dialing', transport: 2, failures: 1, hasOpened: true, goodbye });
  });

  it.each<State>([
    { ...away, goodbye: undefined },
    { at: 'dialing', transport: 1, failures: 1, hasOpened: true, goodbye: undefined },
  ])('called while $at after a disconnect delivers messages that were accepted before', (state) => {
    const after = next(state, close, policy, 0.5);
    expect(after).toEqual({ ...state, goodbye });
    expect(publicState(after)).toBe('closing');
    expect(next(after, close, policy, 0.5)).toBe(after);
  });

  it.each<State>([closing, away, dialing])('ends at its deadline while $at', (state) => {
    expect(next(state, { is: 'deadline' }, policy, 0.5)).toMatchObject(closed);
  });

  it.each<[string, State]>([
    ['the connection has never opened', { ...waiting, hasOpened: false }],
    ['the connection has never opened and an attempt is in progress', { ...dialing, hasOpened: false, goodbye: undefined }],
    ['it is called again as final', away],
    ['it is called again as final during an attempt', dialing],
  ])('closes without waiting when %s', (_what, state) => {
    expect(next(state, { ...close, isFinal: true }, policy, 0.5)).toMatchObject(closed);
  });

  it.each<State>([
    { ...away, hasOpened: false, goodbye: undefined },
    { ...dialing, hasOpened: false, goodbye: undefined },
  ])('that is not final ends a connection that never opened, $at', (state) => {
    expect(next(state, close, policy, 0.5)).toMatchObject(closed);
  });

  it('becomes final when it is called as final, and stays final', () => {
    const final = next(closing, { ...close, code: 1001, isFinal: true }, policy, 0.5);
    expect(final).toEqual({ ...closing, goodbye: { ...goodbye, isFinal: true } });
    expect(next(final, close, policy, 0.5)).toBe(final);
  });

  it.each<[string, State, object]>([
    ['both sides know that it is over', closing, { isOver: true }],
    ['the peer closed with a final code', closing, { info: { code: 1000, reason: '', wasClean: true } }],
    ['it is final', next(closing, { ...close, isFinal: true }, policy, 0.5), {}],
  ])('ends with the transport where %s', (_what, state, how) => {
    expect(next(state, { ...lost, ...how }, policy, 0.5).at).toBe('closed');
    expect(next(state, { ...lost, ...how }, serverEnd, 0.5).at).toBe('closed');
  });

  it('ends with the transport when `reconnect` is false', () => {
    expect(next(closing, lost, { ...policy, reconnect: undefined }, 0.5)).toMatchObject(closed);
  });
});

describe('a client whose server sent a time to reconnect', () => {
  it('waits for that time instead of the backoff', () => {
    const state = next(open, { is: 'lost', transport: 1, info: abnormal, retryAfterMs: 7_000 }, policy, 0.5);
    expect(state).toMatchObject({ at: 'waiting', recovery: { delayMs: 7_000, action: 'dial' } });
  });

  it('reconnects to a server that ended the session temporarily', () => {
    const info = { code: 1012, reason: '', wasClean: true };
    expect(next(open, { is: 'lost', transport: 1, info, isOver: true }, policy, 0.5).at).toBe('waiting');
  });
});

it('asks for a gemsocket server when an attempt times out, because another server may select gem.1 and send nothing', () => {
  const dialing: State = { at: 'dialing', transport: 1, failures: 0, hasOpened: false, goodbye: undefined };
  expect(next(dialing, { is: 'timeout' }, policy, 0.5)).toMatchObject({
    at: 'closed',
    error: { code: 'CONNECT_TIMEOUT', message: expect.stringContaining('a gemsocket server') },
  });
});
