import { abnormalClose } from '../core/close-codes.js';
import { redial } from '../core/machine.js';
import type { Recover } from '../core/state.js';
import type { Continuity } from '../core/types.js';
import { type Control, type Offer, Outcome, type Progress, type SessionCredentials, type Terms } from './controls.js';

/** What a handshake comes to. */
export type Agreement = NewSession | SameSession;

export interface NewSession {
  readonly isResumed: false;
  readonly terms: Terms;
  /** What to send back, if it is on this side to answer. */
  readonly answer: Control | undefined;
  /** Why there is no old session any more, and what the peer knows to be lost of it. */
  readonly reason: string;
  readonly lostFromPeer: number | undefined;
}

export interface SameSession {
  readonly isResumed: true;
  readonly progress: Progress;
  readonly answer: Control | undefined;
}

/** What this side can say of itself in a handshake. */
export interface Self {
  readonly terms: Terms;
  readonly progress: Progress;
}

/** One role of the handshake: docs/protocol.md, section 4. */
export interface Handshake {
  /** The application's subprotocol, once it is negotiated. */
  readonly protocol: string;
  /** Whether there is a session to go on with, or to end. */
  readonly hasSession: boolean;
  /** What follows a lost transport: a client dials, a server waits. */
  readonly recover: Recover;
  /** What this side says first, if it does. */
  open(self: Self): Control | undefined;
  /** The peer's first record. Undefined: it is out of place. */
  receive(control: Control, self: Self): Agreement | undefined;
  /** The session is over: the next transport begins a new one. */
  forget(reason: string): void;
}

const UNKNOWN = 'The server does not know the session: it may have restarted. What it had on its way to this side cannot be counted.';

/** What a client says of the session that it did not get back; an outcome that is not among these is read as unknown. */
const REASONS: Readonly<Record<number, string>> = {
  [Outcome.none]: 'The session is new.',
  [Outcome.windowOver]: 'The break took longer than the resume window of the server.',
  [Outcome.evicted]: 'The server had to make room and gave the session up.',
  [Outcome.ended]: 'The server had ended the session.',
};

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

/** What a server knows of a session when it makes its end of it. */
export interface NewServerSession {
  readonly credentials: SessionCredentials;
  readonly resumeWindowMs: number;
  /** What became of the session that the client asked for. */
  readonly outcome: number;
  readonly lost: number | undefined;
  /** Chooses among the application's subprotocols, '' for none. */
  choose(protocols: readonly string[]): string;
}

export class ServerHandshake implements Handshake {
  /** The server's end is made for one, and goes with it. */
  readonly hasSession = true;
  readonly recover: Recover;
  protocol = '';
  readonly #session: NewServerSession;
  #isKnown = false;

  constructor(session: NewServerSession) {
    this.#session = session;
    const { resumeWindowMs } = session;
    this.recover = ({ hasOpened, isOver, goodbye }) => {
      if (!hasOpened || isOver || goodbye?.isFinal) return undefined;
      return { delayMs: resumeWindowMs, action: abnormalClose(`Not resumed within ${resumeWindowMs} ms.`) };
    };
  }

  open(): undefined {
    return undefined;
  }

  receive(control: Control, { terms, progress }: Self): Agreement | undefined {
    if (control.is !== 'hello' && control.is !== 'resume') return undefined;
    if (this.#isKnown) {
      // Whether the secret is right was decided before this transport came here.
      return control.is === 'resume' ? { isResumed: true, progress: control, answer: { is: 'resumed', ...progress } } : undefined;
    }
    this.#isKnown = true;
    const { credentials, resumeWindowMs, outcome, lost } = this.#session;
    this.protocol = this.#session.choose(control.protocols);
    const answer: Control = { is: 'welcome', ...credentials, ...terms, resumeWindowMs, outcome, lost, protocol: this.protocol };
    return { isResumed: false, terms: control, answer, reason: 'The session is new.', lostFromPeer: undefined };
  }

  forget(): void {}
}

/** The receipt for a session that went on. */
export function resumedContinuity(replayed: number): Continuity {
  return { resumed: true, replayed, lost: 0, reason: 'The session went on where it was.' };
}

/** The receipt for a session that is gone. The sum of two directions is not known where one of them is not. */
export function goneContinuity(undelivered: number, agreement: NewSession): Continuity {
  const { lostFromPeer, reason } = agreement;
  const lost = lostFromPeer === undefined ? undefined : undelivered + lostFromPeer;
  return { resumed: false, replayed: 0, lost, lostFromPeer, reason };
}
