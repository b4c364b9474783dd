import { backoffDelayMs } from './backoff.js';
import * as CloseCode from './close-code.js';
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
  transportOf,
} from './state.js';
import type { CloseInfo } from './types.js';

type Connected = Dialing | Open | Closing;

/**
 * A connection that stays open this long has proved itself, and the next disconnect starts again with a short delay.
 * Shorter, and a server that accepts every client and fails at once would be hammered.
 */
export const PROVEN_MS = 5_000;

/** The reason in the close frame. */
export const PAGE_HIDDEN = 'page hidden';

/** The only place where the state changes. Pure: chance comes in. */
export function next(state: State, event: MachineEvent, policy: Policy, chance: number): State {
  switch (event.is) {
    case 'connect':
      return state.at === 'idle' ? dial(1) : state;
    case 'accepted':
      return accepted(state);
    case 'opened':
      return state.at === 'dialing' && state.transport === event.transport ? opened(state) : state;
    case 'lost':
      return isConnected(state) && state.transport === event.transport ? lost(state, event, policy, chance) : state;
    case 'timeout':
      return timedOut(state, policy, chance);
    case 'suspended':
      return suspended(state, policy);
    case 'woken':
      return woken(state);
    case 'close':
      return close(state, event);
    case 'deadline':
      return tookTooLong(state, policy);
    case 'terminate':
      return terminated(state, event.info, event.error);
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

function isConnected(state: State): state is Connected {
  return transportOf(state) !== undefined;
}

function dial(transport: number, failures = 0, hasOpened = false, goodbye?: Goodbye): Dialing {
  return { at: 'dialing', transport, failures, hasOpened, goodbye };
}

function redialed({ transport, failures, hasOpened, goodbye }: State & { at: 'waiting' }): Dialing {
  return dial(transport + 1, failures, hasOpened, goodbye);
}

function accepted(state: State): State {
  if (state.at === 'waiting') return redialed(state);
  if (!isConnected(state) || goodbyeOf(state)?.isFinal) return state;
  return dial(state.transport + 1, state.failures + 1, hasOpened(state), goodbyeOf(state));
}

function opened({ transport, failures, hasOpened, goodbye }: Dialing): State {
  if (goodbye !== undefined) return { at: 'closing', transport, failures, goodbye };
  return { at: 'open', transport, failures, isFirst: !hasOpened };
}

function hasOpened(state: Connected): boolean {
  return state.at !== 'dialing' || state.hasOpened;
}

function lost(
  state: Connected,
  { info, error, isOver = false, retryAfterMs }: Omit<Lost, 'is' | 'transport'>,
  policy: Policy,
  chance: number,
): State {
  const { transport } = state;
  const goodbye = goodbyeOf(state);
  const attempt = state.failures + 1;
  const loss: Loss = { attempt, hasOpened: hasOpened(state), goodbye, isOver, retryAfterMs };
  const recovery = canReconnectAfter(info.code) ? policy.recover(loss, policy, chance) : undefined;
  if (recovery === undefined) return closed(info, error);
  return { at: 'waiting', transport, failures: attempt, attempt, hasOpened: loss.hasOpened, goodbye, recovery, info, error };
}

function woken(state: State): State {
  return state.at === 'waiting' && state.recovery.action === 'dial' ? redialed(state) : state;
}

function tookTooLong(state: State, { closeTimeoutMs }: Policy): State {
  if (goodbyeOf(state) === undefined) return state;
  return closed(abnormalClose(`No answer to the close frame within ${closeTimeoutMs} ms.`));
}

function terminated(state: State, info: CloseInfo, error: WebsocketError | undefined): State {
  return state.at === 'idle' || state.at === 'closed' ? state : closed(info, error);
}

function timedOut(state: State, policy: Policy, chance: number): State {
  switch (state.at) {
    case 'open':
      return { ...state, failures: 0 };
    case 'waiting':
      return state.recovery.action === 'dial' ? redialed(state) : closed(state.recovery.action);
    case 'dialing': {
      const error = makeError('CONNECT_TIMEOUT', { timeoutMs: policy.connectTimeoutMs });
      return lost(state, { info: abnormalClose(error.message), error }, policy, chance);
    }
    default:
      return state;
  }
}

function suspended(state: State, policy: Policy): State {
  if (state.at !== 'open' && state.at !== 'dialing') return state;
  // The answer to this close frame is not awaited, so it is not known to be clean.
  const info: CloseInfo = { code: CloseCode.goingAway, reason: PAGE_HIDDEN, wasClean: false };
  if (policy.reconnect === undefined) return closed(info);
  const { transport, failures } = state;
  const recovery: Recovery = { delayMs: Number.POSITIVE_INFINITY, action: 'dial' };
  return {
    at: 'waiting',
    transport,
    failures,
    attempt: failures + 1,
    hasOpened: hasOpened(state),
    goodbye: goodbyeOf(state),
    recovery,
    info,
    error: undefined,
  };
}

function close(state: State, { code, reason, isFinal }: Goodbye): State {
  const goodbye: Goodbye = { code, reason, isFinal };
  switch (state.at) {
    case 'open':
      return { at: 'closing', transport: state.transport, failures: state.failures, goodbye };
    case 'closing':
      return isFinal && !state.goodbye.isFinal ? { ...state, goodbye: { ...state.goodbye, isFinal } } : state;
    case 'closed':
      return state;
    default:
      if (isFinal || state.at === 'idle') return closed(abnormalClose(reason));
      if (state.goodbye !== undefined) return state;
      return state.hasOpened ? { ...state, goodbye } : closed(abnormalClose(reason));
  }
}

function closed(info: CloseInfo, error?: WebsocketError): State {
  return { at: 'closed', info, error };
}
