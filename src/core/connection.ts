import { visibleBackoff } from './backoff.js';
import type { Channel, MakeChannel, SessionEvents } from './channel.js';
import type { ClientConnection } from './client-connection.js';
import { type Cancel, deadline } from './clock.js';
import { abnormalClose, CloseCode } from './close-codes.js';
import { attemptFailed, makeError, type WebsocketError } from './errors.js';
import { Liveness } from './liveness.js';
import { PAGE_HIDDEN, step } from './machine.js';
import type { Settings } from './options.js';
import type { Platform } from './platform.js';
import { type ReportEvents, Reports } from './reports.js';
import { type Effect, type MachineEvent, type Policy, publicState, type State, transportOf } from './state.js';
import type { Transport, TransportEvents } from './transport.js';
import type { CloseInfo, ConnectionState, Continuity, Message } from './types.js';

/** The connection's owner: what is told in order, and what comes with every message. */
export interface ConnectionEvents extends ReportEvents {
  deliver(message: Message, bytes: number): void;
  sent(bytes: number): void;
  shed(): void;
  drained(): void;
  measured(rttMs: number): void;
}

/** Asked before every attempt. */
export type Target = () => URL | Promise<URL>;

/** Runs the state machine: carries out its effects on transports, timers and the link, and feeds back what they tell. */
export class Connection implements ClientConnection {
  readonly channel: Channel;
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #policy: Policy;
  readonly #target: Target;
  readonly #events: ConnectionEvents;
  readonly #reports: Reports;
  #state: State = { at: 'idle' };
  #transport: Transport | undefined;
  #liveness: Liveness | undefined;
  #cancelTimer: Cancel | undefined;
  #cancelDeadline: Cancel | undefined;
  #continuity: Continuity | undefined;
  /** The inbox is full: no transport is read, the present one or the next. */
  #isHeld = false;
  /** Once the inbox is full after `close()`, what comes is not kept, for the closing handshake must be read; and that is told. */
  #tail: 'kept' | 'cut' | 'told' = 'kept';
  #retryAfterMs: number | undefined;

  constructor(
    platform: Platform,
    settings: Settings,
    retryFirstAttempt: boolean,
    target: Target,
    makeChannel: MakeChannel,
    events: ConnectionEvents,
  ) {
    this.#platform = platform;
    this.#settings = settings;
    this.#target = target;
    this.#events = events;
    this.#reports = new Reports(events);
    this.channel = makeChannel(this.#channelEvents());
    this.#policy = { ...settings, retryFirstAttempt, resumes: this.channel.resumes };
  }

  get state(): ConnectionState {
    return publicState(this.#state);
  }

  get protocol(): string {
    return this.#transport === undefined ? '' : this.channel.protocolOf(this.#transport);
  }

  connect(): void {
    this.#dispatch({ is: 'connect' });
  }

  close(code: number, reason: string, isFinal = false): void {
    this.#dispatch({ is: 'close', code, reason, isFinal: isFinal || this.channel.isDone === true });
  }

  /** A session whose page is gone for good ends behind what was accepted; where that must still wait, it is left as it is. */
  suspend(isForGood = false): void {
    if (isForGood && this.channel.resumes) this.channel.close(CloseCode.goingAway, PAGE_HIDDEN);
    this.#dispatch({ is: 'suspended' });
  }

  /** The page is shown or the network is back. */
  wake(): void {
    if (this.#state.at === 'open') this.#liveness?.wake();
    else this.retryNow();
  }

  retryNow(): void {
    this.#dispatch({ is: 'woken' });
  }

  /** The peer of a session came back: `dial` of the platform will return its new transport. */
  takeOver(): void {
    this.#dispatch({ is: 'takeOver' });
  }

  /** For good, and without waiting for an answer; the peer is told the code, where one can be sent. */
  terminate(info: CloseInfo, error: WebsocketError | undefined): void {
    this.#dispatch({ is: 'terminate', info, ...(error === undefined ? {} : { error }) });
  }

  /** The inbox is full: the socket is not read until `resume`, or, where that can't be, the connection ends. */
  pause(): void {
    if (this.channel.holdsPeer) return;
    this.#isHeld = true;
    this.#hold();
  }

  resume(): void {
    if (this.channel.holdsPeer) return;
    this.#isHeld = false;
    this.#transport?.resume?.();
    this.#liveness?.release();
  }

  /** The process ends, at once or after a signal: the close frame is written in this turn, and nothing is dialled any more. */
  exit(): void {
    this.close(CloseCode.goingAway, 'process exit', true);
  }

  #dispatch(event: MachineEvent): void {
    const before = this.#state;
    const { state, effects } = step(before, event, this.#policyNow, this.#platform.random());
    this.#state = state;
    if (state.at !== before.at || transportOf(state) !== transportOf(before)) this.#leave(before);
    this.#reports.addState(before, state);
    for (const effect of effects) this.#perform(effect);
    this.#reports.flush();
  }

  get #policyNow(): Policy {
    const { reconnect } = this.#policy;
    if (reconnect === undefined || this.#settings.givenMaxDelayMs || !this.#platform.lifecycle.isVisible?.()) return this.#policy;
    return { ...this.#policy, reconnect: visibleBackoff(reconnect) };
  }

  #hold(): void {
    if (this.#state.at === 'closing') this.#cutTail();
    else if (this.#transport?.pause === undefined) this.#fail(CloseCode.inboxFull, makeError('INBOX_FULL', { ...this.#settings.inbox }));
    else {
      this.#transport.pause();
      this.#liveness?.hold();
    }
  }

  #cutTail(): void {
    this.#tail = 'cut';
    this.#transport?.resume?.();
  }

  /** The first message that is not kept speaks for all. */
  #dropTail(): void {
    if (this.#tail === 'told') return;
    this.#tail = 'told';
    this.#reports.tell((events) => events.failed(makeError('INBOX_FULL', { ...this.#settings.inbox, isClosing: true })));
  }

  #leave(before: State): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#livenessIsOver(before)) this.#liveness?.stop();
    if (this.#state.at === 'closed') this.#cancelDeadline?.();
    if (transportOf(before) !== undefined && transportOf(before) !== transportOf(this.#state)) this.channel.detach();
  }

  /** A goodbye that may be said again over the next transport must not wait for one that is dead. */
  #livenessIsOver(before: State): boolean {
    const state = this.#state;
    return before.at === 'closing' || (before.at === 'open' && !(state.at === 'closing' && state.mayReturn));
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'dial':
        this.#dial(effect.transport);
        break;
      case 'startTimer':
        this.#cancelTimer?.();
        this.#cancelTimer = this.#startTimer(effect.delayMs, () => this.#dispatch({ is: 'timeout' }));
        break;
      case 'startDeadline':
        this.#cancelDeadline = deadline(this.#platform.clock, effect.delayMs, () => this.#dispatch({ is: 'deadline' }));
        break;
      case 'closeChannel':
        this.channel.close(effect.code, effect.reason);
        if (this.#isHeld) this.#cutTail();
        break;
      case 'detachTransport':
        this.#transport?.detach(effect.code, effect.reason);
        this.#transport = undefined;
        break;
      default:
        this.#reports.add(effect, this.#continuity);
    }
  }

  /** The delay before an attempt ends nothing: one that is late in a hidden page must not become later. */
  #startTimer(delayMs: number, call: () => void): Cancel {
    const { clock } = this.#platform;
    const isDelay = this.#state.at === 'waiting' && this.#policy.resumeWindowMs === undefined;
    return isDelay ? clock.after(delayMs, call) : deadline(clock, delayMs, call);
  }

  #dial(number: number): void {
    let url: URL | Promise<URL>;
    try {
      url = this.#target();
    } catch (error) {
      this.#dialFailed(number, attemptFailed('address', error));
      return;
    }
    if (!(url instanceof Promise)) this.#dialUrl(number, url);
    else
      url.then(
        (resolved) => this.#dialUrl(number, resolved),
        (error: unknown) => this.#dialFailed(number, attemptFailed('address', error)),
      );
  }

  #dialUrl(number: number, url: URL): void {
    if (this.#state.at !== 'dialing' || this.#state.transport !== number) return;
    const { protocols, maxMessageBytes, closeTimeoutMs, node } = this.#settings;
    const maxFrameBytes = this.channel.maxFrameBytes ?? maxMessageBytes;
    const request = { url, protocols: this.channel.offer(protocols), maxMessageBytes: maxFrameBytes, closeTimeoutMs, node };
    let transport: Transport;
    try {
      transport = this.#platform.dial(request, this.#transportEvents(number));
    } catch (error) {
      this.#dialFailed(number, attemptFailed('dial', error));
      return;
    }
    this.#transport = transport;
    if (transport.isOpen) this.channel.attach(transport);
  }

  #dialFailed(number: number, error: WebsocketError): void {
    this.#dispatch({ is: 'lost', transport: number, info: abnormalClose(error.message), error });
  }

  #transportEvents(number: number): TransportEvents {
    const isCurrent = () => 'transport' in this.#state && this.#state.transport === number && this.#transport !== undefined;
    return {
      opened: () => {
        if (isCurrent()) this.channel.attach(this.#transport as Transport);
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
        if (isCurrent()) this.#liveness?.pong();
      },
      drained: () => {
        if (isCurrent()) this.channel.drained();
      },
      closed: (info, error) => {
        if (!isCurrent()) return;
        this.#transport = undefined;
        // A batch of a session that is too big costs its transport only.
        if (error === undefined && info.code === CloseCode.messageTooBig && !this.channel.resumes) {
          this.terminate(info, makeError('MESSAGE_TOO_BIG', { closeCode: info.code, reason: info.reason }));
          return;
        }
        const cause = error ?? this.#refusal(info);
        this.#dispatch({
          is: 'lost',
          transport: number,
          info,
          retryAfterMs: this.#takeRetryAfterMs(),
          ...(cause === undefined ? {} : { error: cause }),
        });
      },
    };
  }

  /** A server may let the WebSocket open and send it away before the channel has begun. */
  #refusal(info: CloseInfo): WebsocketError | undefined {
    return this.#state.at === 'dialing' && this.#state.to === 'open'
      ? makeError('CONNECT_FAILED', { closeCode: info.code, reason: info.reason })
      : undefined;
  }

  #channelEvents(): SessionEvents {
    return {
      // Messages and counts go straight through: deliver, sent, shed, drained, measured.
      ...this.#events,
      ready: (continuity) => {
        if (this.#state.at !== 'dialing') return;
        this.#continuity = continuity;
        this.#startLiveness();
        this.#dispatch({ is: 'opened', transport: this.#state.transport });
        if (this.#isHeld) this.#hold();
      },
      pong: () => this.#liveness?.pong(),
      undelivered: (messages) => this.#reports.tell((events) => events.undelivered(messages)),
      terminate: (code, error) => this.terminate({ code, reason: error.code, wasClean: false }, error),
      retryAfter: (delayMs) => {
        this.#retryAfterMs = delayMs;
      },
      ended: (info) => this.#lose(info, undefined, info.code),
      fail: (code, error) => this.#fail(code, error),
    };
  }

  #startLiveness(): void {
    this.#liveness?.stop();
    const times = this.#settings.liveness;
    if (times === undefined) return;
    const transport = this.#transport;
    this.#liveness = new Liveness(times, this.#platform.clock, {
      ping: this.channel.ping ?? (transport?.ping === undefined ? undefined : () => transport.ping?.()),
      dead: (silentMs) => this.#lose(abnormalClose('link dead'), makeError('LINK_DEAD', { silentMs })),
      measured: (rttMs) => this.#events.measured(rttMs),
    });
  }

  #fail(code: number, error: WebsocketError): void {
    this.#lose({ code, reason: error.code, wasClean: false }, error, code);
  }

  /** Gives the present transport up: its late events find nobody. Without an error, the peer said goodbye. */
  #lose(info: CloseInfo, error: WebsocketError | undefined, code?: number): void {
    const state = this.#state;
    if (!('transport' in state) || this.#transport === undefined) return;
    this.#transport.detach(code, code === undefined ? undefined : info.reason);
    this.#transport = undefined;
    const retryAfterMs = this.#takeRetryAfterMs();
    if (error === undefined) this.#dispatch({ is: 'lost', transport: state.transport, info, retryAfterMs, isOver: true });
    else this.#dispatch({ is: 'lost', transport: state.transport, info, retryAfterMs, error });
  }

  #takeRetryAfterMs(): number | undefined {
    const retryAfterMs = this.#retryAfterMs;
    this.#retryAfterMs = undefined;
    return retryAfterMs;
  }
}
