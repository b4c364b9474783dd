import type { Backoff } from './backoff.js';
import type { WebsocketError } from './errors.js';
import type { CloseInfo, ConnectionState } from './types.js';

/*
 *                          connect                      opened
 *     ┌──────┐          ┌─────────┐                 ┌────────┐
 *     │ idle ├─────────▶│ dialing ├────────────────▶│  open  │◀─┐ timeout: the connection
 *     └──┬───┘          └─┬─▲───┬─┘                 └─┬──┬─┬─┘──┘ has proved itself
 *        │                │ │   │    lost, suspended  │  │ │
 *        │      lost,     │ │   │   ┌─────────────────┘  │ │
 *        │      timeout,  │ │   │   │                    │ │ close
 *        │      suspended ▼ │ timeout, woken, accepted   │ ▼
 *        │              ┌───┴───▼─┐                 lost,│┌─────────┐
 *        │ close        │ waiting │                 final││ closing │
 *        │              └────┬────┘                      │└────┬────┘
 *        │                   │ close, timeout            │     │ lost, deadline
 *        ▼                   ▼                           ▼     ▼
 *     ┌─────────────────────────────────────────────────────────────┐
 *     │                          closed                             │
 *     └─────────────────────────────────────────────────────────────┘
 *
 * dialing also closes on `close`, and on `lost` or `timeout` when the channel does not recover.
 * A state that has a transport knows its number; an event of any other transport is late and changes nothing.
 *
 * A channel that resumes delivers what was accepted before `close`: closing moves to waiting when its transport is lost, and
 * from there to dialing and back to closing, with the same goodbye, until the deadline.
 *
 * `accepted` is a transport that the peer of a server has opened: a function of its own, because a client accepts none.
 */

export type State =
  | { readonly at: 'idle' }
  | Dialing
  | Open
  | Waiting
  | Closing
  | { readonly at: 'closed'; readonly info: CloseInfo; readonly error: WebsocketError | undefined };

/** Part of every state between idle and closed. */
interface Alive {
  /** Counts the transports of the connection from 1. */
  readonly transport: number;
  /** Attempts that failed since the connection last proved itself. */
  readonly failures: number;
}

export interface Dialing extends Alive {
  readonly at: 'dialing';
  readonly hasOpened: boolean;
  /** `close` was called before: the transport is needed to deliver the rest. */
  readonly goodbye: Goodbye | undefined;
}

export interface Open extends Alive {
  readonly at: 'open';
  readonly isFirst: boolean;
}

export interface Waiting extends Alive {
  readonly at: 'waiting';
  readonly hasOpened: boolean;
  readonly goodbye: Goodbye | undefined;
  /** The attempt that follows, counted from 1. */
  readonly attempt: number;
  readonly recovery: Recovery;
  /** Why the connection waits. */
  readonly info: CloseInfo;
  readonly error: WebsocketError | undefined;
}

export interface Closing extends Alive {
  readonly at: 'closing';
  readonly goodbye: Goodbye;
}

/** The application's close. */
export interface Goodbye {
  readonly code: number;
  readonly reason: string;
  /** Over this transport only. */
  readonly isFinal: boolean;
}

export type MachineEvent =
  | { readonly is: 'connect' }
  | { readonly is: 'opened'; readonly transport: number }
  | Lost
  /** The timer of the present state ran out. */
  | { readonly is: 'timeout' }
  /** The time that `close` may take is over. */
  | { readonly is: 'deadline' }
  | { readonly is: 'suspended' }
  | { readonly is: 'woken' }
  | ({ readonly is: 'close' } & Goodbye)
  /** The connection ends without a closing handshake. */
  | { readonly is: 'terminate'; readonly info: CloseInfo; readonly error: WebsocketError | undefined };

/** The transport ended, or never opened. */
export interface Lost {
  readonly is: 'lost';
  readonly transport: number;
  readonly info: CloseInfo;
  /** If more is known than a code. */
  readonly error?: WebsocketError | undefined;
  /** The peer ended for good. */
  readonly isOver?: boolean;
  /** The peer said when to reconnect. */
  readonly retryAfterMs?: number | undefined;
}

/** A transport that was lost, and where the connection stood. */
export interface Loss {
  /** Attempts that failed since the connection last proved itself, this one included. */
  readonly attempt: number;
  readonly hasOpened: boolean;
  readonly goodbye: Goodbye | undefined;
  readonly isOver: boolean;
  readonly retryAfterMs: number | undefined;
}

/** What follows a lost transport. */
export interface Recovery {
  /** How long the connection waits; infinity: until an event. */
  readonly delayMs: number;
  /** After the delay the connection dials, or is closed with this. */
  readonly action: 'dial' | CloseInfo;
}

/** The channel's answer to a lost transport; undefined: the connection is closed. Pure: chance is in [0, 1). */
export type Recover = (loss: Loss, policy: Policy, chance: number) => Recovery | undefined;

export interface Policy {
  readonly connectTimeoutMs: number;
  readonly closeTimeoutMs: number;
  /** Undefined: one connection and no more. */
  readonly reconnect: Backoff | undefined;
  /** Whether the first attempt is retried: the bus does, `connect()` rejects. */
  readonly retryFirstAttempt: boolean;
  readonly recover: Recover;
}

/** The state that `client.state` shows. The first attempt is `connecting`; a later one, and the wait before it, is `reconnecting`. */
export function publicState(state: State): ConnectionState {
  if (goodbyeOf(state) !== undefined) return 'closing';
  if (state.at === 'dialing') return state.hasOpened || state.failures > 0 ? 'reconnecting' : 'connecting';
  return state.at === 'waiting' ? 'reconnecting' : state.at;
}

/** Defined from `close` until the connection is closed. */
export function goodbyeOf(state: State): Goodbye | undefined {
  return 'goodbye' in state ? state.goodbye : undefined;
}

/** The transport that is dialled or held. */
export function transportOf(state: State): number | undefined {
  return 'transport' in state && state.at !== 'waiting' ? state.transport : undefined;
}
