import { redial } from '../core/machine.js';
import type { Recover } from '../core/state.js';
import type { Continuity } from '../core/types.js';
import type { Control, Offer, Progress, SessionCredentials, Terms } from './controls.js';

/** Result of a handshake. */
export type Agreement = NewSession | SameSession;

export interface NewSession {
  readonly isResumed: false;
  readonly terms: Terms;
  /** The answer to send; undefined on the side that does not answer. */
  readonly answer: Control | undefined;
  /** Why the old session is gone, and how many of its messages the peer knows to be lost. */
  readonly reason: string;
  readonly lostFromPeer: number | undefined;
}

export interface SameSession {
  readonly isResumed: true;
  readonly progress: Progress;
  readonly answer: Control | undefined;
}

/** Terms and counts that this side announces in a handshake. */
export interface Self {
  readonly terms: Terms;
  readonly progress: Progress;
}

/** One role of the handshake: docs/protocol.md, section 4. */
export interface Handshake {
  /** The application's subprotocol, once it is negotiated. */
  readonly protocol: string;
  /** Whether there is a session to resume, or to end. */
  readonly hasSession: boolean;
  /** Decides how to continue after a lost transport: a client dials, a server waits. */
  readonly recover: Recover;
  /** The first control record of this side, if it speaks first. */
  open(self: Self): Control | undefined;
  /** Processes the peer's first record. Undefined: it is out of place. */
  receive(control: Control, self: Self): Agreement | undefined;
  /** The session is over, and the next transport begins a new one. */
  forget(reason: string): void;
}

/** The messages that such a server had for this side cannot be counted. */
const UNKNOWN = 'The server does not know the session. It may have restarted.';

/** Why a client did not get its session back, by the outcome of its RESUME; later versions may add outcomes. */
const REASONS: readonly string[] = [
  'The session is new.',
  UNKNOWN,
  'The disconnect took longer than the resume window.',
  'The server evicted the session to make room.',
  'The server ended the session.',
];

const redialUnlessOver: Recover = (loss, policy, chance) => {
  const { goodbye, isOver } = loss;
  return goodbye !== undefined && (goodbye.isFinal || isOver) ? undefined : redial(loss, policy, chance);
};

export class ClientHandshake implements Handshake {
  readonly recover = redialUnlessOver;
  protocol = '';
  readonly #protocols: readonly string[];
  #credentials: SessionCredentials | undefined;
  #attempt = 0;
  #forgotten: string | undefined;

  constructor(protocols: readonly string[]) {
    this.#protocols = protocols;
  }

  get hasSession(): boolean {
    return this.#credentials !== undefined;
  }

  open({ terms, progress }: Self): Control {
    const offer: Offer = { ...terms, protocols: this.#protocols };
    if (this.#credentials === undefined) return { is: 'hello', ...offer };
    this.#attempt += 1;
    return { is: 'resume', ...this.#credentials, attempt: this.#attempt, ...progress, ...offer };
  }

  receive(control: Control): Agreement | undefined {
    if (control.is === 'resumed')
      return this.#credentials === undefined ? undefined : { isResumed: true, progress: control, answer: undefined };
    if (control.is !== 'welcome') return undefined;
    const { id, secret, protocol, outcome, lost } = control;
    const reason = this.#forgotten ?? REASONS[outcome] ?? UNKNOWN;
    this.#credentials = { id, secret };
    this.#attempt = 0;
    this.#forgotten = undefined;
    this.protocol = protocol;
    return { isResumed: false, terms: control, answer: undefined, reason, lostFromPeer: lost };
  }

  forget(reason: string): void {
    this.#credentials = undefined;
    this.#forgotten = reason;
  }
}

/** The report of a resumed session. */
export function resumedContinuity(replayed: number): Continuity {
  return { resumed: true, replayed, lost: 0, reason: 'The session was resumed.' };
}

/** The report of a session that is gone. The sum of two directions is unknown where one of them is. */
export function goneContinuity(undelivered: number, agreement: NewSession): Continuity {
  const { lostFromPeer, reason } = agreement;
  const lost = lostFromPeer === undefined ? undefined : undelivered + lostFromPeer;
  return { resumed: false, replayed: 0, lost, lostFromPeer, reason };
}
