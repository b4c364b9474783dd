import type { ChannelContext, ChannelSink } from '../core/channel.js';
import * as CloseCode from '../core/close-codes.js';
import { abnormalClose } from '../core/close-codes.js';
import type { Platform } from '../core/platform.js';
import type { Recover } from '../core/state.js';
import type { AcceptedTransport } from '../core/transport.js';
import type { CloseInfo, IWebsocketClient } from '../core/types.js';
import { type Control, encodeControl, Outcome, type SessionCredentials } from './controls.js';
import type { SessionOwner } from './eviction.js';
import type { Agreement, Handshake, Self } from './handshake.js';
import type { Fault } from './incoming.js';
import type { Evictable } from './registry.js';
import { SessionChannel, type SessionSettings } from './session-channel.js';

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

/** What the channels of a server have in common. */
export interface ServerChannelSettings extends SessionSettings {
  /** Makes the extensions of a channel, whose client has sent the first record for one. */
  readonly extend?: (channel: ServerChannel) => void;
}

/** The channel of a server: it answers the questions of the registry, and sends LEAVE. */
export class ServerChannel extends SessionChannel {
  readonly #sink: ChannelSink;
  readonly #extend: ServerChannelSettings['extend'];

  constructor(context: ChannelContext, handshake: Handshake, settings: ServerChannelSettings, platform: Platform) {
    super(context, handshake, settings, platform);
    this.#sink = context.sink;
    this.#extend = settings.extend;
  }

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

  /** A record counts towards the rate limit as a message does. */
  protected override receiveRecord(kind: number, bytes: Uint8Array, start: number, end: number): Fault | undefined {
    if (this.extensions === undefined) this.#extend?.(this);
    this.#sink.counted?.();
    return super.receiveRecord(kind, bytes, start, end);
  }
}

/** The client of a session, as the session knows it. */
export interface SessionClient extends Pick<IWebsocketClient, 'state' | 'on'> {
  /** Opens or resumes the connection over a transport that the peer has opened. False if the connection is closing or closed. */
  accept(transport: AcceptedTransport): boolean;
  /** Like `close`, but does not wait for a disconnected client to reconnect. */
  closeForGood(code: number, reason: string): Promise<CloseInfo>;
}

/** Memory of a detached session without any message (Node 20: 15,500). */
const SESSION_COST = 16_384;

/** A server's end of a session: its client and its channel. */
export class ServerSession<C extends SessionClient = SessionClient> implements Evictable {
  readonly credentials: SessionCredentials;
  /** The first batch of a new transport is not processed yet. Until then the client does not count as disconnected. */
  isResuming = true;
  channel: ServerChannel | undefined;
  client: C | undefined;
  /** Number of the last accepted RESUME. */
  attempt = 0;
  lost = 0;
  outcome: number = Outcome.ended;
  readonly #ownerOf: (client: C) => SessionOwner;
  #info: CloseInfo | undefined;

  constructor(credentials: SessionCredentials, ownerOf: (client: C) => SessionOwner = () => ({})) {
    this.credentials = credentials;
    this.#ownerOf = ownerOf;
  }

  get finalCount(): number | undefined {
    return this.channel?.finalCount;
  }

  get closeInfo(): CloseInfo | undefined {
    return this.channel?.closeInfo ?? this.#info;
  }

  get heldBytes(): number {
    return SESSION_COST + (this.channel?.heldBytes ?? 0);
  }

  get hasCarried(): boolean {
    return this.channel?.hasCarried === true;
  }

  get owner(): SessionOwner {
    return this.client === undefined ? {} : this.#ownerOf(this.client);
  }

  ended(info: CloseInfo): void {
    this.#info = info;
    // The client was disconnected, but the session was closed before the resume window was over.
    if (this.outcome === Outcome.windowOver && info.code !== CloseCode.abnormal) this.outcome = Outcome.ended;
  }

  evict(): void {
    this.outcome = Outcome.evicted;
    void this.client?.closeForGood(CloseCode.tryAgainLater, 'session evicted');
  }
}
