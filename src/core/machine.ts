import { backoffDelayMs } from './backoff.js';
import { abnormalClose, CloseCode, canReconnectAfter } from './close-codes.js';
import { makeError, type WebsocketError } from './errors.js';
import { type Effect, type Lost, type MachineEvent, type Policy, type Purpose, type State, type Step, transportOf } from './state.js';
import type { CloseInfo } from './types.js';

type Dialing = State & { at: 'dialing' };
type Connected = State & { at: 'dialing' | 'open' | 'closing' };

/**
 * A connection that stays open this long has proved itself, and the next break starts again with a short delay.
 * Shorter, and a server that accepts everybody and falls over at once would be hammered.
 */
export const PROVEN_MS = 5_000;

/** What the server gets to see as the reason. */
export const PAGE_HIDDEN = 'page hidden';

/** The only place where the state changes. Pure: chance comes in, effects go out. */
export function step(state: State, event: MachineEvent, policy: Policy, chance: number): Step {
  if ((event.is === 'opened' || event.is === 'lost') && event.transport !== transportOf(state)) return stay(state);
  switch (event.is) {
    case 'connect':
      return state.at === 'idle' ? dial(1, 0, 'open', policy) : stay(state);
    case 'opened':
      return state.at === 'dialing' ? opened(state, policy) : stay(state);
    case 'lost':
      return lost(state, event, policy, chance);
    case 'timeout':
      return timedOut(state, policy, chance);
    case 'suspended':
      return suspended(state, policy);
    case 'woken':
      return state.at === 'waiting' && policy.resumeWindowMs === undefined
        ? dial(state.transport + 1, state.failures, state.to, policy)
        : stay(state);
    case 'takeOver':
      return takeOver(state, policy);
    case 'close':
      return close(state, event, policy);
    case 'deadline':
      return tookTooLong(state, policy);
    case 'terminate':
      return terminate(state, event.info, event.error);
  }
}

function stay(state: State): Step {
  return { state, effects: [] };
}

function dial(transport: number, failures: number, to: Purpose, policy: Policy): Step {
  return {
    state: { at: 'dialing', transport, failures, to },
    effects: [
      { do: 'startTimer', delayMs: policy.connectTimeoutMs },
      { do: 'dial', transport },
    ],
  };
}

function opened({ transport, failures, to }: Dialing, policy: Policy): Step {
  if (to === 'finish') return { state: { at: 'closing', transport, failures, mayReturn: policy.resumes }, effects: [] };
  return {
    state: { at: 'open', transport, failures },
    effects: [
      { do: 'startTimer', delayMs: PROVEN_MS },
      { do: 'reportOpened', isFirst: to === 'open' },
    ],
  };
}

function lost(state: State, event: Lost, policy: Policy, chance: number): Step {
  switch (state.at) {
    case 'dialing':
    case 'open':
    case 'closing':
      return retry(state, event, policy, chance);
    default:
      return stay(state);
  }
}

type Break = Pick<Lost, 'info' | 'error' | 'isOver' | 'retryAfterMs'>;

function retry(state: Connected, broken: Break, policy: Policy, chance: number): Step {
  const { info, error } = broken;
  const to = purposeAfter(state);
  const attempt = state.failures + 1;
  const isAllowed = (state.at !== 'closing' || (state.mayReturn && broken.isOver !== true)) && canReconnectAfter(info.code);
  const delayMs = policy.resumeWindowMs === undefined ? dialDelayMs(state, broken, policy, chance) : peerDelayMs(to, broken, policy);
  if (!isAllowed || delayMs === undefined) return closed(info, error);
  // A failed attempt is told by the next `reconnecting`; what broke an open connection is an error of its own.
  const broke: Effect[] = state.at === 'open' && error !== undefined ? [{ do: 'reportError', error }] : [];
  return {
    state: { at: 'waiting', transport: state.transport, failures: attempt, to },
    effects: [{ do: 'startTimer', delayMs }, ...broke, ...retryReport(to, attempt, delayMs, error ?? info)],
  };
}

/** What the next transport is for, when this one is lost. */
function purposeAfter(state: Connected): Purpose {
  if (state.at === 'dialing') return state.to;
  return state.at === 'open' ? 'reopen' : 'finish';
}

/** Who has called `close` is told how it ends, not what it takes. */
function retryReport(to: Purpose, attempt: number, delayMs: number, cause: unknown): Effect[] {
  return to === 'finish' ? [] : [{ do: 'reportRetry', attempt, delayMs, cause }];
}

/** How long to wait before the next attempt; undefined when there is none. */
function dialDelayMs(state: Connected, broken: Break, policy: Policy, chance: number): number | undefined {
  const { reconnect } = policy;
  const attempt = state.failures + 1;
  const isFirstAttempt = state.at === 'dialing' && state.to === 'open' && state.failures === 0;
  if (reconnect === undefined || (isFirstAttempt && !policy.retryFirstAttempt) || attempt > reconnect.maxAttempts) return undefined;
  return broken.retryAfterMs ?? backoffDelayMs(reconnect, attempt, chance);
}

/** How long the peer may take to come back; undefined when it never was there, or has said goodbye. */
function peerDelayMs(to: Purpose, broken: Break, policy: Policy): number | undefined {
  return to !== 'open' && broken.isOver !== true ? policy.resumeWindowMs : undefined;
}

function takeOver(state: State, policy: Policy): Step {
  switch (state.at) {
    case 'waiting':
      return dial(state.transport + 1, state.failures, state.to, policy);
    case 'open':
    case 'dialing':
    case 'closing': {
      if (state.at === 'closing' && !state.mayReturn) return stay(state);
      const cause = abnormalClose('The peer came back on a new connection.');
      const attempt = state.failures + 1;
      const to = purposeAfter(state);
      const takeover: Effect = { do: 'detachTransport', code: CloseCode.takenOver, reason: 'taken over' };
      return before([takeover, ...retryReport(to, attempt, 0, cause)], dial(state.transport + 1, attempt, to, policy));
    }
    default:
      return stay(state);
  }
}

function timedOut(state: State, policy: Policy, chance: number): Step {
  switch (state.at) {
    case 'open':
      return { state: { ...state, failures: 0 }, effects: [] };
    case 'waiting':
      if (policy.resumeWindowMs !== undefined) return closed(abnormalClose(`Not resumed within ${policy.resumeWindowMs} ms.`), undefined);
      return dial(state.transport + 1, state.failures, state.to, policy);
    case 'dialing': {
      const error = makeError('CONNECT_TIMEOUT', { timeoutMs: policy.connectTimeoutMs });
      return before([{ do: 'detachTransport' }], retry(state, { info: abnormalClose(error.message), error }, policy, chance));
    }
    default:
      return stay(state);
  }
}

function tookTooLong(state: State, policy: Policy): Step {
  if (state.at !== 'closing' && !('to' in state && state.to === 'finish')) return stay(state);
  const info = abnormalClose(`No answer to the close frame within ${policy.closeTimeoutMs} ms.`);
  return before([{ do: 'detachTransport' }], closed(info, undefined));
}

function suspended(state: State, policy: Policy): Step {
  if (state.at !== 'open' && state.at !== 'dialing') return stay(state);
  const goodbye: Effect = { do: 'detachTransport', code: CloseCode.goingAway, reason: PAGE_HIDDEN };
  // Nobody waits for the answer to this goodbye, so nobody can call it clean.
  const info: CloseInfo = { code: CloseCode.goingAway, reason: PAGE_HIDDEN, wasClean: false };
  if (policy.reconnect === undefined) return before([goodbye], closed(info, undefined));
  const to = purposeAfter(state);
  return {
    state: { at: 'waiting', transport: state.transport, failures: state.failures, to },
    effects: [goodbye, ...retryReport(to, state.failures + 1, Number.POSITIVE_INFINITY, info)],
  };
}

function close(state: State, event: MachineEvent & { is: 'close' }, policy: Policy): Step {
  const { code, reason, isFinal } = event;
  const mayReturn = policy.resumes && isFinal !== true;
  const begun: Effect[] = [
    { do: 'startDeadline', delayMs: policy.closeTimeoutMs },
    { do: 'closeChannel', code, reason },
  ];
  switch (state.at) {
    case 'open':
      return { state: { at: 'closing', transport: state.transport, failures: state.failures, mayReturn }, effects: begun };
    case 'closing':
      return stay({ ...state, mayReturn: state.mayReturn && mayReturn });
    case 'closed':
      return stay(state);
    default: {
      if (mayReturn && 'to' in state && state.to === 'finish') return stay(state);
      if (mayReturn && 'to' in state && state.to === 'reopen') return { state: { ...state, to: 'finish' }, effects: begun };
      const given: Effect[] = state.at === 'dialing' ? [{ do: 'detachTransport' }] : [];
      return before(given, closed(abnormalClose(reason), undefined));
    }
  }
}

function terminate(state: State, info: CloseInfo, error: WebsocketError | undefined): Step {
  if (state.at === 'idle' || state.at === 'closed') return stay(state);
  // 1006 is what a connection without a goodbye is called, and is never sent.
  const goodbye: Effect =
    info.code === CloseCode.abnormal ? { do: 'detachTransport' } : { do: 'detachTransport', code: info.code, reason: info.reason };
  return before([goodbye], closed(info, error));
}

function closed(info: CloseInfo, cause: WebsocketError | undefined): Step {
  const reported: Effect[] = cause === undefined ? [] : [{ do: 'reportError', error: cause }];
  return { state: { at: 'closed', info }, effects: [...reported, { do: 'reportClosed', info, cause }] };
}

function before(first: readonly Effect[], rest: Step): Step {
  return { state: rest.state, effects: [...first, ...rest.effects] };
}
