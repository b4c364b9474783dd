import { type Backoff, backoffDelayMs } from './backoff.js';
import { abnormalClose, CloseCode, canReconnectAfter } from './close-codes.js';
import { WebsocketError } from './errors.js';
import type { CloseInfo, ConnectionState } from './types.js';

/*
 *                          connect                     opened
 *     ┌──────┐          ┌─────────┐                 ┌────────┐
 *     │ idle ├─────────▶│ dialing ├────────────────▶│  open  │◀─┐ timeout: the connection
 *     └──┬───┘          └─┬─▲───┬─┘                 └─┬──┬─┬─┘──┘ has proved itself
 *        │                │ │   │    lost, suspended  │  │ │
 *        │      lost,     │ │   │   ┌─────────────────┘  │ │
 *        │      timeout,  │ │   │   │                    │ │ close
 *        │      suspended ▼ │ timeout, woken             │ ▼
 *        │              ┌───┴───▼─┐                 lost,│┌─────────┐
 *        │ close        │ waiting │                 final││ closing │
 *        │              └────┬────┘                      │└────┬────┘
 *        │                   │ close                     │     │ lost, timeout
 *        ▼                   ▼                           ▼     ▼
 *     ┌─────────────────────────────────────────────────────────────┐
 *     │                          closed                             │
 *     └─────────────────────────────────────────────────────────────┘
 *
 * dialing also closes on `close`, and on `lost` or `timeout` when the policy allows no further attempt.
 * A state that has a wire knows its number; an event of any other wire is late and changes nothing.
 *
 * The server's end of a session dials nobody: its `waiting` is for the peer to come back (`adopt`), and its timeout
 * is the end of the resume window. A peer that is back before its old wire was seen to die moves open to dialing.
 */

export type State =
  | { readonly at: 'idle' }
  | { readonly at: 'dialing'; readonly wire: number; readonly failures: number; readonly wasOpen: boolean }
  | { readonly at: 'open'; readonly wire: number; readonly failures: number }
  | { readonly at: 'waiting'; readonly wire: number; readonly failures: number; readonly wasOpen: boolean }
  | { readonly at: 'closing'; readonly wire: number }
  | { readonly at: 'closed'; readonly info: CloseInfo };

export type MachineEvent =
  | { readonly is: 'connect' }
  | { readonly is: 'opened'; readonly wire: number }
  | Lost
  /** The timer of the present state ran out. */
  | { readonly is: 'timeout' }
  | { readonly is: 'suspended' }
  | { readonly is: 'woken' }
  /** The peer came back with a wire of its own: `dial` will find it open. */
  | { readonly is: 'adopt' }
  | { readonly is: 'close'; readonly code: number; readonly reason: string }
  /** The owner has had enough of the peer, whether it is there or not: no closing handshake is waited for. */
  | { readonly is: 'giveUp'; readonly info: CloseInfo; readonly error?: WebsocketError };

/** The wire ended, or never opened. */
export interface Lost {
  readonly is: 'lost';
  readonly wire: number;
  readonly info: CloseInfo;
  /** Where more is known than a code. */
  readonly error?: WebsocketError;
  /** The peer said goodbye for good: nobody comes back to be waited for. */
  readonly isOver?: boolean;
  /** The peer said when to come back. */
  readonly retryAfterMs?: number | undefined;
}

export type Effect =
  | { readonly do: 'dial'; readonly wire: number }
  /** A state has at most one timer; it stops when the state is left. */
  | { readonly do: 'startTimer'; readonly delayMs: number }
  | { readonly do: 'closeWire'; readonly code: number; readonly reason: string }
  | { readonly do: 'detachWire'; readonly code?: number; readonly reason?: string }
  | { readonly do: 'reportOpened'; readonly isFirst: boolean }
  | { readonly do: 'reportError'; readonly error: WebsocketError }
  | { readonly do: 'reportRetry'; readonly attempt: number; readonly delayMs: number; readonly cause: unknown }
  | { readonly do: 'reportClosed'; readonly info: CloseInfo; readonly cause: WebsocketError | undefined };

export interface Policy {
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  /** Undefined: one connection and no more. */
  readonly reconnect: Backoff | undefined;
  /** Whether to try on when the very first attempt fails: the bus does, `connect()` rejects. */
  readonly retriesFirst: boolean;
  /** The server's end of a session: how long the peer may take to come back. Nothing is dialled meanwhile. */
  readonly resumeWindowMs?: number;
}

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/**
 * A connection that stays open this long has proved itself, and the next break starts again with a short delay.
 * Shorter, and a server that accepts everybody and falls over at once would be hammered.
 */
export const PROVEN_MS = 5_000;

/** The only place where the state changes. Pure: chance comes in, effects go out. */
export function step(state: State, event: MachineEvent, policy: Policy, chance: number): Step {
  if (isLate(state, event)) return stay(state);
  switch (event.is) {
    case 'connect':
      return state.at === 'idle' ? dial(1, 0, false, policy) : stay(state);
    case 'opened':
      return state.at === 'dialing' ? opened(state) : stay(state);
    case 'lost':
      return lost(state, event, policy, chance);
    case 'timeout':
      return timedOut(state, policy, chance);
    case 'suspended':
      return suspended(state, policy);
    case 'woken':
      return state.at === 'waiting' && policy.resumeWindowMs === undefined
        ? dial(state.wire + 1, state.failures, state.wasOpen, policy)
        : stay(state);
    case 'adopt':
      return adopt(state, policy);
    case 'close':
      return close(state, event.code, event.reason, policy);
    case 'giveUp':
      return giveUp(state, event.info, event.error);
  }
}

/** What a user is told. The first attempt is `connecting`; every one after it is `reconnecting`, as is the wait. */
export function publicState(state: State): ConnectionState {
  if (state.at === 'dialing') return state.wasOpen || state.failures > 0 ? 'reconnecting' : 'connecting';
  return state.at === 'waiting' ? 'reconnecting' : state.at;
}

function isLate(state: State, event: MachineEvent): boolean {
  if (event.is !== 'opened' && event.is !== 'lost') return false;
  return !('wire' in state) || state.at === 'waiting' || state.wire !== event.wire;
}

function stay(state: State): Step {
  return { state, effects: [] };
}

function dial(wire: number, failures: number, wasOpen: boolean, policy: Policy): Step {
  return {
    state: { at: 'dialing', wire, failures, wasOpen },
    effects: [
      { do: 'startTimer', delayMs: policy.connectTimeoutMs },
      { do: 'dial', wire },
    ],
  };
}

function opened(state: State & { at: 'dialing' }): Step {
  return {
    state: { at: 'open', wire: state.wire, failures: state.failures },
    effects: [
      { do: 'startTimer', delayMs: PROVEN_MS },
      { do: 'reportOpened', isFirst: !state.wasOpen },
    ],
  };
}

function lost(state: State, event: Lost, policy: Policy, chance: number): Step {
  switch (state.at) {
    case 'closing':
      return closed(event.info, event.error);
    case 'dialing':
    case 'open':
      return retry(state, event, policy, chance);
    default:
      return stay(state);
  }
}

type Break = Pick<Lost, 'info' | 'error' | 'isOver' | 'retryAfterMs'>;

function retry(state: State & { at: 'dialing' | 'open' }, broken: Break, policy: Policy, chance: number): Step {
  const { info, error } = broken;
  const wasOpen = state.at === 'open' || state.wasOpen;
  const attempt = state.failures + 1;
  const delayMs = policy.resumeWindowMs === undefined ? dialDelayMs(state, broken, policy, chance) : peerDelayMs(wasOpen, broken, policy);
  if (delayMs === undefined || !canReconnectAfter(info.code)) return closed(info, error);
  // A failed attempt is told by the next `reconnecting`; what broke an open connection is an error of its own.
  const broke: Effect[] = state.at === 'open' && error !== undefined ? [{ do: 'reportError', error }] : [];
  return {
    state: { at: 'waiting', wire: state.wire, failures: attempt, wasOpen },
    effects: [{ do: 'startTimer', delayMs }, ...broke, { do: 'reportRetry', attempt, delayMs, cause: error ?? info }],
  };
}

/** How long to wait before the next attempt; undefined when there is none. */
function dialDelayMs(state: State & { at: 'dialing' | 'open' }, broken: Break, policy: Policy, chance: number): number | undefined {
  const { reconnect } = policy;
  const attempt = state.failures + 1;
  const isFirstAttempt = state.at === 'dialing' && !state.wasOpen && state.failures === 0;
  if (reconnect === undefined || (isFirstAttempt && !policy.retriesFirst) || attempt > reconnect.maxAttempts) return undefined;
  return broken.retryAfterMs ?? backoffDelayMs(reconnect, attempt, chance);
}

/** How long the peer may take to come back; undefined when it never was there, or has said goodbye. */
function peerDelayMs(wasOpen: boolean, broken: Break, policy: Policy): number | undefined {
  return wasOpen && broken.isOver !== true ? policy.resumeWindowMs : undefined;
}

function adopt(state: State, policy: Policy): Step {
  switch (state.at) {
    case 'waiting':
      return dial(state.wire + 1, state.failures, state.wasOpen, policy);
    case 'open':
    case 'dialing': {
      const cause = abnormalClose('The peer came back on a new connection.');
      const attempt = state.failures + 1;
      const takeover: Effect = { do: 'detachWire', code: CloseCode.takenOver, reason: 'taken over' };
      const told: Effect = { do: 'reportRetry', attempt, delayMs: 0, cause };
      const wasOpen = state.at === 'open' || state.wasOpen;
      return after(takeover, after(told, dial(state.wire + 1, attempt, wasOpen, policy)));
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
      return dial(state.wire + 1, state.failures, state.wasOpen, policy);
    case 'dialing': {
      const error = connectTimeout(policy.connectTimeoutMs);
      return after({ do: 'detachWire' }, retry(state, { info: abnormalClose(error.message), error }, policy, chance));
    }
    case 'closing':
      return after(
        { do: 'detachWire' },
        closed(abnormalClose(`No answer to the close frame within ${policy.closeTimeoutMs} ms.`), undefined),
      );
    default:
      return stay(state);
  }
}

function suspended(state: State, policy: Policy): Step {
  if (state.at !== 'open' && state.at !== 'dialing') return stay(state);
  const goodbye: Effect = { do: 'detachWire', code: CloseCode.goingAway, reason: 'page hidden' };
  // Nobody waits for the answer to this goodbye, so nobody can call it clean.
  const info: CloseInfo = { code: CloseCode.goingAway, reason: 'page hidden', wasClean: false };
  if (policy.reconnect === undefined) return after(goodbye, closed(info, undefined));
  const wasOpen = state.at === 'open' || state.wasOpen;
  return {
    state: { at: 'waiting', wire: state.wire, failures: state.failures, wasOpen },
    effects: [goodbye, { do: 'reportRetry', attempt: state.failures + 1, delayMs: Number.POSITIVE_INFINITY, cause: info }],
  };
}

function close(state: State, code: number, reason: string, policy: Policy): Step {
  switch (state.at) {
    case 'open':
      return {
        state: { at: 'closing', wire: state.wire },
        effects: [
          { do: 'startTimer', delayMs: policy.closeTimeoutMs },
          { do: 'closeWire', code, reason },
        ],
      };
    case 'dialing':
      return after({ do: 'detachWire' }, closed(abnormalClose(reason), undefined));
    case 'idle':
    case 'waiting':
      return closed(abnormalClose(reason), undefined);
    default:
      return stay(state);
  }
}

function giveUp(state: State, info: CloseInfo, error: WebsocketError | undefined): Step {
  if (state.at === 'idle' || state.at === 'closed') return stay(state);
  // 1006 is what a connection without a goodbye is called, and is never sent.
  const goodbye: Effect =
    info.code === CloseCode.abnormal ? { do: 'detachWire' } : { do: 'detachWire', code: info.code, reason: info.reason };
  return after(goodbye, closed(info, error));
}

function closed(info: CloseInfo, cause: WebsocketError | undefined): Step {
  const reported: Effect[] = cause === undefined ? [] : [{ do: 'reportError', error: cause }];
  return { state: { at: 'closed', info }, effects: [...reported, { do: 'reportClosed', info, cause }] };
}

function after(first: Effect, rest: Step): Step {
  return { state: rest.state, effects: [first, ...rest.effects] };
}

function connectTimeout(connectTimeoutMs: number): WebsocketError {
  return new WebsocketError(
    'CONNECT_TIMEOUT',
    `No connection within ${connectTimeoutMs} ms. Check that a WebSocket server answers at the address, or raise connectTimeoutMs.`,
    { timeoutMs: connectTimeoutMs },
  );
}
