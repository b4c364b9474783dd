import type { Backoff } from './backoff.js';
import type { WebsocketError } from './errors.js';
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
 *        │                   │ close                     │     │ lost, deadline
 *        ▼                   ▼                           ▼     ▼
 *     ┌─────────────────────────────────────────────────────────────┐
 *     │                          closed                             │
 *     └─────────────────────────────────────────────────────────────┘
 *
 * dialing also closes on `close`, and on `lost` or `timeout` when the policy allows no further attempt.
 * A state that has a transport knows its number; an event of any other transport is late and changes nothing.
 *
 * A channel that resumes finishes what was accepted before `close`: closing moves to waiting when its transport is lost, and
 * from there to dialing and back to closing (`to: 'finish'`), until the deadline. `close` while it waits or dials does the same.
 *
 * The server's end of a session dials nobody: its `waiting` is for the peer to come back (`takeOver`), and its timeout
 * is the end of the resume window. A peer that is back before its old transport was seen to die moves open to dialing.
 */

export type State =
  | { readonly at: 'idle' }
  | { readonly at: 'dialing'; readonly transport: number; readonly failures: number; readonly to: Purpose }
  | { readonly at: 'open'; readonly transport: number; readonly failures: number }
  | { readonly at: 'waiting'; readonly transport: number; readonly failures: number; readonly to: Purpose }
  | { readonly at: 'closing'; readonly transport: number; readonly failures: number; readonly mayReturn: boolean }
  | { readonly at: 'closed'; readonly info: CloseInfo };

/** What a transport is wanted for: the first opening, one after a break, or what `close` left to do. */
export type Purpose = 'open' | 'reopen' | 'finish';

export type MachineEvent =
  | { readonly is: 'connect' }
  | { readonly is: 'opened'; readonly transport: number }
  | Lost
  /** The timer of the present state ran out. */
  | { readonly is: 'timeout' }
  /** What `close` may take has been taken. */
  | { readonly is: 'deadline' }
  | { readonly is: 'suspended' }
  | { readonly is: 'woken' }
  /** The peer came back with a transport of its own: `dial` will find it open. */
  | { readonly is: 'takeOver' }
  /** `isFinal`: over this transport or not at all. */
  | { readonly is: 'close'; readonly code: number; readonly reason: string; readonly isFinal?: boolean }
  /** The owner has had enough of the peer, whether it is there or not: no closing handshake is waited for. */
  | { readonly is: 'terminate'; readonly info: CloseInfo; readonly error?: WebsocketError };

/** The transport ended, or never opened. */
export interface Lost {
  readonly is: 'lost';
  readonly transport: number;
  readonly info: CloseInfo;
  /** Where more is known than a code. */
  readonly error?: WebsocketError;
  /** The peer said goodbye for good: nobody comes back to be waited for. */
  readonly isOver?: boolean;
  /** The peer said when to come back. */
  readonly retryAfterMs?: number | undefined;
}

export type Effect =
  | { readonly do: 'dial'; readonly transport: number }
  /** A state has at most one timer; it stops when the state is left. */
  | { readonly do: 'startTimer'; readonly delayMs: number }
  /** Of `close`: it runs through whatever states come until `closed`. */
  | { readonly do: 'startDeadline'; readonly delayMs: number }
  /** What was accepted goes out, then the close frame; without a transport, over the next one. */
  | { readonly do: 'closeChannel'; readonly code: number; readonly reason: string }
  | { readonly do: 'detachTransport'; readonly code?: number; readonly reason?: string }
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
  readonly retryFirstAttempt: boolean;
  /** The server's end of a session: how long the peer may take to come back. Nothing is dialled meanwhile. */
  readonly resumeWindowMs?: number;
  /** What the channel has accepted outlives a transport, so `close` need not give it up with one. */
  readonly resumes: boolean;
}

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** What a user is told. The first attempt is `connecting`; every one after it is `reconnecting`, as is the wait. */
export function publicState(state: State): ConnectionState {
  if ('to' in state && state.to === 'finish') return 'closing';
  if (state.at === 'dialing') return state.to === 'reopen' || state.failures > 0 ? 'reconnecting' : 'connecting';
  return state.at === 'waiting' ? 'reconnecting' : state.at;
}

/** The transport that is dialled or held. */
export function transportOf(state: State): number | undefined {
  return 'transport' in state && state.at !== 'waiting' ? state.transport : undefined;
}
