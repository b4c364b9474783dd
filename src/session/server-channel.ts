import { abnormalClose } from '../core/close-codes.js';
import type { Recover } from '../core/state.js';
import type { CloseInfo } from '../core/types.js';
import { type Control, encodeControl, type SessionCredentials } from './controls.js';
import type { Agreement, Handshake, Self } from './handshake.js';
import { SessionChannel } from './session-channel.js';

/** A session that the server is about to begin. */
export interface NewServerSession {
  readonly credentials: SessionCredentials;
  readonly resumeWindowMs: number;
  /** Outcome of the RESUME of the client, and the messages lost with the session that it asked for. */
  readonly outcome: number;
  readonly lost: number | undefined;
  /** Chooses among the application's subprotocols, '' for none. */
  choose(protocols: readonly string[]): string;
}

export class ServerHandshake implements Handshake {
  /** A channel of the server belongs to one session and ends with it. */
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
      // The acceptor has checked the secret.
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

/** The channel of a server: it answers the questions of the registry, and sends LEAVE. */
export class ServerChannel extends SessionChannel {
  /** Memory held for the peer, with or without a transport. */
  get heldBytes(): number {
    return this.outgoing.heldBytes + this.incoming.heldBytes;
  }

  /** Whether the peer has sent a message, or acknowledged one. */
  get hasCarried(): boolean {
    return this.incoming.messagesReceived > 0 || this.outgoing.hasArrived;
  }

  /** Once the peer has ended the session: the count of its records, in case the acknowledgement of its END is lost. */
  get finalCount(): number | undefined {
    return this.incoming.end === undefined ? undefined : this.incoming.received;
  }

  /** Code and reason of the END of this side, sent or about to be sent; otherwise those of the peer's. */
  get closeInfo(): CloseInfo | undefined {
    return this.goodbye ?? this.incoming.end;
  }

  /** Asks the client to wait before it reconnects. */
  leave(delayMs: number): void {
    this.flushScheduler.sendControl(encodeControl({ is: 'leave', delayMs: Math.floor(delayMs) }));
  }
}
