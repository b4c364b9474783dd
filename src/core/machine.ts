import { backoffDelayMs } from './backoff.js';
import * as CloseCode from './close-codes.js';
import { abnormalClose, canReconnectAfter } from './close-codes.js';
import { makeError, type WebsocketError } from './errors.js';
import {
  type Closing,
  type Dialing,
  type Goodbye,
  goodbyeOf,
  type Loss,
  type Lost,
  type MachineEvent,
  type Open,
  type Policy,
  type Recovery,
  type State,
  type Waiting,
} from './state.js';
import type { CloseInfo } from './types.js';

type Connected = Dialing | Open | Closing;
type Alive = Connected | Waiting;

/**
 * A connection that stays open this long has proved itself, and the next disconnect starts again with a short delay.
 * Shorter, and a server that accepts every client and fails at once would be hammered.
 */
export const PROVEN_MS = 5_000;

/** The reason in the close frame. */
export const PAGE_HIDDEN = 'page hidden';

/** The next state of a connection; `accepted` has the one more that a server's has. Both are pure: chance comes in. */
export function next(state: State, event: MachineEvent, policy: Policy, chance: number): State {
  if (state.at === 'closed') return state;
  if (state.at !== 'idle') return nextOfAlive(state, event, policy, chance);
  if (event.is === 'connect') return { at: 'dialing', transport: 1, failures: 0, hasOpened: false, goodbye: undefined };
  return event.is === 'close' ? closed(abnormalClose(event.reason)) : state;
}

function nextOfAlive(state: Alive, event: MachineEvent, policy: Policy, chance: number): State {
  switch (event.is) {
    case 'connect':
      return state;
    case 'opened':
      return state.at === 'dialing' && state.transport === event.transport ? opened(state) : state;
    case 'lost':
      return state.at !== 'waiting' && state.transport === event.transport ? lost(state, event, policy, chance) : state;
    case 'timeout':
      return timedOut(state, policy, chance);
    case 'suspended':
      return suspended(state, policy);
    case 'woken':
      return state.at === 'waiting' && state.recovery.action === 'dial' ? dial(state) : state;
    case 'close':
      return close(state, event);
    case 'deadline':
      if (goodbyeOf(state) === undefined) return state;
      return closed(abnormalClose(`No answer to the close frame within ${policy.closeTimeoutMs} ms.`));
    case 'terminate':
      return closed(event.info, event.error);
  }
}

/** Dials after a delay with jitter, as often as the options allow. */
export function redial(
  { attempt, hasOpened, retryAfterMs }: Loss,
  { reconnect, retryFirstAttempt }: Policy,
  chance: number,
): Recovery | undefined {
  const isFirst = !hasOpened && attempt === 1;
  if (reconnect === undefined || (isFirst && !retryFirstAttempt) || attempt > reconnect.maxAttempts) return undefined;
  return { delayMs: retryAfterMs ?? backoffDelayMs(reconnect, attempt, chance), action: 'dial' };
}

function dial(state: Alive, failures = state.failures): Dialing {
  return { at: 'dialing', transport: state.transport + 1, failures, hasOpened: hasOpened(state), goodbye: goodbyeOf(state) };
}

/** The peer has opened a transport. Where the old one is not known to be dead, open moves to dialing. */
export function accepted(state: State): State {
  if (state.at === 'idle' || state.at === 'closed') return state;
  if (state.at === 'waiting') return dial(state);
  return goodbyeOf(state)?.isFinal ? state : dial(state, state.failures + 1);
}

function opened({ transport, failures, hasOpened, goodbye }: Dialing): State {
  if (goodbye !== undefined) return { at: 'closing', transport, failures, goodbye };
  return { at: 'open', transport, failures, isFirst: !hasOpened };
}

function hasOpened(state: Alive): boolean {
  return 'hasOpened' in state ? state.hasOpened : true;
}

function lost(
  state: Connected,
  { info, error, isOver = false, retryAfterMs }: Omit<Lost, 'is' | 'transport'>,
  policy: Policy,
  chance: number,
): State {
  const attempt = state.failures + 1;
  const loss: Loss = { attempt, hasOpened: hasOpened(state), goodbye: goodbyeOf(state), isOver, retryAfterMs };
  const recovery = canReconnectAfter(info.code) ? policy.recover(loss, policy, chance) : undefined;
  return recovery === undefined ? closed(info, error) : wait(state, attempt, recovery, info, error, attempt);
}

function wait(
  state: Connected,
  attempt: number,
  recovery: Recovery,
  info: CloseInfo,
  error?: WebsocketError,
  failures = state.failures,
): Waiting {
  const { transport } = state;
  return { at: 'waiting', transport, failures, attempt, hasOpened: hasOpened(state), goodbye: goodbyeOf(state), recovery, info, error };
}

function timedOut(state: Alive, policy: Policy, chance: number): State {
  switch (state.at) {
    case 'open':
      return { ...state, failures: 0 };
    case 'waiting':
      return state.recovery.action === 'dial' ? dial(state) : closed(state.recovery.action);
    case 'dialing': {
      const error = makeError('CONNECT_TIMEOUT', { timeoutMs: policy.connectTimeoutMs });
      return lost(state, { info: abnormalClose(error.message), error }, policy, chance);
    }
    default:
      return state;
  }
}

function suspended(state: Alive, { reconnect }: Policy): State {
  if (state.at !== 'open' && state.at !== 'dialing') return state;
  // The answer to this close frame is not awaited, so it is not known to be clean.
  const info: CloseInfo = { code: CloseCode.goingAway, reason: PAGE_HIDDEN, wasClean: false };
  if (reconnect === undefined) return closed(info);
  return wait(state, state.failures + 1, { delayMs: Number.POSITIVE_INFINITY, action: 'dial' }, info);
}

function close(state: Alive, { code, reason, isFinal }: Goodbye): State {
  const goodbye: Goodbye = { code, reason, isFinal };
  if (state.at === 'open') return { at: 'closing', transport: state.transport, failures: state.failures, goodbye };
  if (state.at === 'closing') return isFinal && !state.goodbye.isFinal ? { ...state, goodbye: { ...state.goodbye, isFinal } } : state;
  if (isFinal) return closed(abnormalClose(reason));
  if (state.goodbye !== undefined) return state;
  return state.hasOpened ? { ...state, goodbye } : closed(abnormalClose(reason));
}

function closed(info: CloseInfo, error?: WebsocketError): State {
  return { at: 'closed', info, error };
}
