import { visibleBackoff } from './backoff.js';
import type { Channel, ChannelControl, MakeChannel } from './channel.js';
import type { ClientConnection, ConnectionOwner } from './client-connection.js';
import { Reports } from './client-connection.js';
import { type Cancel, deadline } from './clock.js';
import * as CloseCode from './close-codes.js';
import { abnormalClose } from './close-codes.js';
import { dial, type Target } from './dialer.js';
import { makeError, type WebsocketError } from './errors.js';
import type { Extension, RecordPort } from './extension.js';
import { Liveness } from './liveness.js';
import { next, PAGE_HIDDEN, PROVEN_MS } from './machine.js';
import type { Settings } from './options.js';
import type { Platform } from './platform.js';
import { type Dialing, goodbyeOf, type MachineEvent, type Policy, publicState, type State, transportOf } from './state.js';
import type { Transport, TransportEvents } from './transport.js';
import type { CloseInfo, ConnectionState, Continuity, Message } from './types.js';

/** Runs the state machine: a state that is entered starts its timer, its transport and its reports; one that is left ends them. */
export class Connection implements ClientConnection, ChannelControl {
  readonly channel: Channel;
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #policy: Policy;
  readonly #target: Target | undefined;
  readonly #owner: ConnectionOwner;
  protected readonly reports: Reports;
  protected current: State = { at: 'idle' };
  protected transport: Transport | undefined;
  #liveness: Liveness | undefined;
  #cancelTimer: Cancel | undefined;
  #cancelDeadline: Cancel | undefined;
  #continuity: Continuity | undefined;
  /** The inbox is full: no transport is read, the present one or the next. */
  #isHeld = false;
  /** If the inbox is full after `close()`, messages are dropped, because the closing handshake must be read. The first drop is reported. */
  #tail: 'kept' | 'cut' | 'reported' = 'kept';
  #retryAfterMs: number | undefined;

  /** @param target undefined for a connection that never dials. */
  constructor(
    platform: Platform,
    settings: Settings,
    retryFirstAttempt: boolean,
    target: Target | undefined,
    makeChannel: MakeChannel,
    owner: ConnectionOwner,
  ) {
    this.#platform = platform;
    this.#settings = settings;
    this.#target = target;
    this.#owner = owner;
    this.reports = new Reports(owner);
    this.channel = makeChannel({ sink: owner, control: this });
    const { recover } = this.channel;
    const { connectTimeoutMs, closeTimeoutMs, reconnect } = settings;
    this.#policy = { connectTimeoutMs, closeTimeoutMs, reconnect, retryFirstAttempt, recover };
  }

  get state(): ConnectionState {
    return publicState(this.current);
  }

  get protocol(): string {
    return this.transport === undefined ? '' : this.channel.protocolOf(this.transport);
  }

  extension<E extends Extension>(name: string, make: (port: RecordPort) => E): E | undefined {
    return this.channel.extension?.(name, make);
  }

  connect(): void {
    this.#dispatch({ is: 'connect' });
  }

  close(code: number, reason: string, isFinal = false): void {
    this.#dispatch({ is: 'close', code, reason, isFinal: isFinal || this.channel.isDone });
  }

  /** If the page is gone for good, a session ends after its accepted messages; if those cannot be sent yet, it stays resumable. */
  suspended(isForGood = false): void {
    if (isForGood && this.channel.resumes) this.channel.close(CloseCode.goingAway, PAGE_HIDDEN);
    this.#dispatch({ is: 'suspended' });
  }

  woken(): void {
    if (this.current.at === 'open') this.#liveness?.wake();
    else this.retryNow();
  }

  retryNow(): void {
    this.#dispatch({ is: 'woken' });
  }

  terminate(info: CloseInfo, error: WebsocketError | undefined): void {
    this.#dispatch({ is: 'terminate', info, error });
  }

  /** The inbox is full: the socket is paused until `resume`. A transport that cannot pause ends the connection. */
  pause(): void {
    if (this.channel.holdsPeer) return;
    this.#isHeld = true;
    this.#hold();
  }

  resume(): void {
    if (this.channel.holdsPeer) return;
    this.#isHeld = false;
    this.transport?.resume?.();
    this.#liveness?.release();
  }

  /** The process ends, at once or after a signal: the close frame is written in this turn, and nothing is dialled any more. */
  exiting(): void {
    this.close(CloseCode.goingAway, 'process exit', true);
  }

  consumed(bytes: number): void {
    this.channel.consumed(bytes);
  }

  ready(continuity: Continuity): void {
    if (this.current.at !== 'dialing') return;
    this.#continuity = continuity;
    this.#startLiveness();
    this.#dispatch({ is: 'opened', transport: this.current.transport });
    if (this.#isHeld) this.#hold();
  }

  pong(): void {
    this.#liveness?.pong();
  }

  fail(code: number, error: WebsocketError): void {
    this.#lose({ code, reason: error.code, wasClean: false }, error, code);
  }

  ended(info: CloseInfo): void {
    this.#lose(info, undefined, info.code);
  }

  retryAfter(delayMs: number): void {
    this.#retryAfterMs = delayMs;
  }

  undelivered(messages: readonly Message[]): void {
    this.reports.tell((reports) => reports.undelivered(messages));
  }

  #dispatch(event: MachineEvent): void {
    this.become(next(this.current, event, this.#policyNow, this.#platform.random()));
  }

  protected become(state: State): void {
    const before = this.current;
    if (state === before) return;
    this.current = state;
    const isEntered = state.at !== before.at || transportOf(state) !== transportOf(before);
    if (isEntered) this.#leave(before, state);
    const was = publicState(before);
    const now = publicState(state);
    if (was !== now) this.reports.add((reports) => reports.stateChanged(now, was));
    if (isEntered) this.#enter(before, state);
    this.#beginClosing(before, state);
    this.reports.flush();
  }

  get #policyNow(): Policy {
    const { reconnect } = this.#policy;
    if (reconnect === undefined || this.#settings.givenMaxDelayMs || !this.#platform.lifecycle.isVisible?.()) return this.#policy;
    return { ...this.#policy, reconnect: visibleBackoff(reconnect) };
  }

  #leave(before: State, state: State): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // A close that can be repeated over the next transport must not wait for a dead one.
    const staysAlive = before.at === 'open' && state.at === 'closing' && !state.goodbye.isFinal;
    if ((before.at === 'open' || before.at === 'closing') && !staysAlive) this.#liveness?.stop();
    const held = transportOf(before);
    if (held !== undefined && held !== transportOf(state)) this.channel.detach();
  }

  #enter(before: State, state: State): void {
    switch (state.at) {
      case 'dialing':
        this.openTransport(state);
        break;
      case 'open': {
        const continuity = this.#continuity as Continuity;
        this.#startTimer(PROVEN_MS);
        this.reports.add((reports) => reports.opened(state.isFirst, continuity));
        break;
      }
      case 'waiting':
        this.#wait(before, state);
        break;
      case 'closed':
        this.#cancelDeadline?.();
        this.detachTransport(state.info);
        this.reports.addError(state.error);
        this.reports.add((reports) => reports.closed(state.info, state.error));
    }
  }

  #wait(before: State, { attempt, recovery, goodbye, info, error }: State & { at: 'waiting' }): void {
    const { delayMs, action } = recovery;
    this.detachTransport(info);
    if (Number.isFinite(delayMs)) this.#startTimer(delayMs, action === 'dial');
    // `reconnecting` reports a failed attempt; the error that ended an open connection is reported separately.
    if (before.at === 'open') this.reports.addError(error);
    // After `close()` only the end is reported.
    if (goodbye === undefined) this.reports.add((reports) => reports.retrying({ attempt, delayMs, cause: error ?? info }));
  }

  #beginClosing(before: State, state: State): void {
    const goodbye = goodbyeOf(state);
    if (goodbye === undefined || goodbyeOf(before) !== undefined) return;
    this.#cancelDeadline = deadline(this.#platform.clock, this.#policy.closeTimeoutMs, () => this.#dispatch({ is: 'deadline' }));
    this.channel.close(goodbye.code, goodbye.reason);
    if (this.#isHeld) this.#cutTail();
  }

  protected startConnectTimer(): void {
    this.#startTimer(this.#policy.connectTimeoutMs);
  }

  /** The timer of the present state. The delay before an attempt ends nothing, so it is not a `deadline`, which reads first. */
  #startTimer(delayMs: number, isDelay = false): void {
    const { clock } = this.#platform;
    const timeout = () => {
      this.#cancelTimer = undefined;
      this.#dispatch({ is: 'timeout' });
    };
    this.#cancelTimer = isDelay ? clock.after(delayMs, timeout) : deadline(clock, delayMs, timeout);
  }

  /** 1006 means no closing handshake, and is never sent. */
  protected detachTransport({ code, reason }: Pick<CloseInfo, 'code' | 'reason'>): void {
    if (code === CloseCode.abnormal) this.transport?.detach();
    else this.transport?.detach(code, reason);
    this.transport = undefined;
  }

  protected openTransport({ transport: number }: Dialing): void {
    this.startConnectTimer();
    dial(this.#platform, this.#settings, this.#target as Target, this.channel, {
      events: this.transportEvents(number),
      isWanted: () => this.current.at === 'dialing' && this.current.transport === number,
      dialed: (transport) => {
        this.transport = transport;
      },
      failed: (error) => this.#dispatch({ is: 'lost', transport: number, info: abnormalClose(error.message), error }),
    });
  }

  protected transportEvents(number: number): TransportEvents {
    const isCurrent = () => transportOf(this.current) === number && this.transport !== undefined;
    return {
      opened: () => {
        if (isCurrent()) this.channel.attach(this.transport as Transport);
      },
      received: (message, bytes) => {
        if (!isCurrent()) return;
        this.#liveness?.touch();
        if (this.#tail === 'kept') this.channel.received(message, bytes);
        else this.#dropTail();
      },
      alive: () => {
        if (isCurrent()) this.#liveness?.touch();
      },
      pong: () => {
        if (isCurrent()) this.pong();
      },
      drained: () => {
        if (isCurrent()) this.channel.drained();
      },
      closed: (info, error) => {
        if (isCurrent()) this.#closed(number, info, error);
      },
    };
  }

  #closed(number: number, info: CloseInfo, error: WebsocketError | undefined): void {
    this.transport = undefined;
    // In a session, a batch that is too big costs the transport only.
    if (error === undefined && info.code === CloseCode.messageTooBig && !this.channel.resumes) {
      this.terminate(info, makeError('MESSAGE_TOO_BIG', { closeCode: info.code, reason: info.reason }));
      return;
    }
    // A server may let the WebSocket open and close it before the channel has begun.
    const isRefusal = this.current.at === 'dialing' && !this.current.hasOpened;
    const cause = error ?? (isRefusal ? makeError('CONNECT_FAILED', { closeCode: info.code, reason: info.reason }) : undefined);
    this.#lost(number, info, cause);
  }

  #startLiveness(): void {
    this.#liveness?.stop();
    const times = this.#settings.liveness;
    if (times === undefined) return;
    const transport = this.transport;
    this.#liveness = new Liveness(times, this.#platform.clock, {
      ping: this.channel.ping ?? (transport?.ping === undefined ? undefined : () => transport.ping?.()),
      dead: (silentMs) => this.#lose(abnormalClose('link dead'), makeError('LINK_DEAD', { silentMs })),
      measured: (rttMs) => this.#owner.measured(rttMs),
    });
  }

  #hold(): void {
    if (this.current.at === 'closing') this.#cutTail();
    else if (this.transport?.pause === undefined) this.fail(CloseCode.inboxFull, makeError('INBOX_FULL', { ...this.#settings.inbox }));
    else {
      this.transport.pause();
      this.#liveness?.hold();
    }
  }

  #cutTail(): void {
    this.#tail = 'cut';
    this.transport?.resume?.();
  }

  #dropTail(): void {
    if (this.#tail === 'reported') return;
    this.#tail = 'reported';
    this.reports.tell((reports) => reports.failed(makeError('INBOX_FULL', { ...this.#settings.inbox, isClosing: true })));
  }

  /** Gives the present transport up: its later events are ignored. Without an error, the peer has ended the session. */
  #lose(info: CloseInfo, error: WebsocketError | undefined, code?: number): void {
    const state = this.current;
    if (!('transport' in state) || this.transport === undefined) return;
    this.detachTransport({ code: code ?? CloseCode.abnormal, reason: info.reason });
    this.#lost(state.transport, info, error, error === undefined);
  }

  #lost(transport: number, info: CloseInfo, error: WebsocketError | undefined, isOver = false): void {
    const retryAfterMs = this.#retryAfterMs;
    this.#retryAfterMs = undefined;
    this.#dispatch({ is: 'lost', transport, info, error, retryAfterMs, isOver });
  }
}
