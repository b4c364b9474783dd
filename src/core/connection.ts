import { visibleBackoff } from './backoff.js';
import type { ClientConnection } from './client-connection.js';
import { type Cancel, deadline } from './clock.js';
import { abnormalClose, CloseCode } from './close-codes.js';
import { addressFailed, dialThrew, inboxFull, linkDead, sentAway, tailDropped, tooBigForPeer } from './connection-errors.js';
import type { WebsocketError } from './errors.js';
import type { Link, MakeLink, SessionHost } from './link.js';
import { Liveness } from './liveness.js';
import { PAGE_HIDDEN, step } from './machine.js';
import type { Settings } from './options.js';
import type { Platform } from './platform.js';
import { type ReportHost, Reports } from './reports.js';
import { type Effect, type MachineEvent, type Policy, publicState, type State, wireOf } from './state.js';
import type { CloseInfo, ConnectionState, Continuity, Message } from './types.js';
import type { Wire, WireEvents } from './wire.js';

/** The connection's owner: what is told in order, and what comes with every message. */
export interface ConnectionHost extends ReportHost {
  deliver(message: Message, bytes: number): void;
  sent(bytes: number): void;
  shed(): void;
  drained(): void;
  measured(rttMs: number): void;
}

/** Asked before every attempt. */
export type Target = () => URL | Promise<URL>;

/** Runs the state machine: carries out its effects on wires, timers and the link, and feeds back what they tell. */
export class Connection implements ClientConnection {
  readonly link: Link;
  readonly #platform: Platform;
  readonly #settings: Settings;
  readonly #policy: Policy;
  readonly #target: Target;
  readonly #host: ConnectionHost;
  readonly #reports: Reports;
  #state: State = { at: 'idle' };
  #wire: Wire | undefined;
  #liveness: Liveness | undefined;
  #cancelTimer: Cancel | undefined;
  #cancelDeadline: Cancel | undefined;
  #continuity: Continuity | undefined;
  /** The inbox is full: no wire is read, the present one or the next. */
  #isHeld = false;
  /** Once the inbox is full after `close()`, what comes is not kept, for the closing handshake must be read; and that is told. */
  #tail: 'kept' | 'cut' | 'told' = 'kept';
  #retryAfterMs: number | undefined;

  constructor(platform: Platform, settings: Settings, retriesFirst: boolean, target: Target, makeLink: MakeLink, host: ConnectionHost) {
    this.#platform = platform;
    this.#settings = settings;
    this.#target = target;
    this.#host = host;
    this.#reports = new Reports(host);
    this.link = makeLink(this.#linkHost());
    this.#policy = { ...settings, retriesFirst, resumes: this.link.resumes };
  }

  get state(): ConnectionState {
    return publicState(this.#state);
  }

  get protocol(): string {
    return this.#wire === undefined ? '' : this.link.protocolOf(this.#wire);
  }

  connect(): void {
    this.#dispatch({ is: 'connect' });
  }

  close(code: number, reason: string, isFinal = false): void {
    this.#dispatch({ is: 'close', code, reason, isFinal: isFinal || this.link.isDone === true });
  }

  /** A session whose page is gone for good ends behind what was accepted; where that must still wait, it is left as it is. */
  suspend(isForGood = false): void {
    if (isForGood && this.link.resumes) this.link.close(CloseCode.goingAway, PAGE_HIDDEN);
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

  /** The peer of a session came back: `dial` of the platform will return its new wire. */
  adopt(): void {
    this.#dispatch({ is: 'adopt' });
  }

  /** For good, and without waiting for an answer; the peer is told the code, where one can be sent. */
  giveUp(info: CloseInfo, error: WebsocketError | undefined): void {
    this.#dispatch({ is: 'giveUp', info, ...(error === undefined ? {} : { error }) });
  }

  /** The inbox is full: the socket is not read until `resume`, or, where that can't be, the connection ends. */
  pause(): void {
    if (this.link.holdsPeer) return;
    this.#isHeld = true;
    this.#hold();
  }

  resume(): void {
    if (this.link.holdsPeer) return;
    this.#isHeld = false;
    this.#wire?.resume?.();
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
    if (state.at !== before.at || wireOf(state) !== wireOf(before)) this.#leave(before);
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
    else if (this.#wire?.pause === undefined) this.#fail(CloseCode.inboxFull, inboxFull(this.#settings));
    else {
      this.#wire.pause();
      this.#liveness?.hold();
    }
  }

  #cutTail(): void {
    this.#tail = 'cut';
    this.#wire?.resume?.();
  }

  /** The first message that is not kept speaks for all. */
  #dropTail(): void {
    if (this.#tail === 'told') return;
    this.#tail = 'told';
    this.#reports.tell((host) => host.failed(tailDropped(this.#settings)));
  }

  #leave(before: State): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#livenessIsOver(before)) this.#liveness?.stop();
    if (this.#state.at === 'closed') this.#cancelDeadline?.();
    if (wireOf(before) !== undefined && wireOf(before) !== wireOf(this.#state)) this.link.detach();
  }

  /** A goodbye that may be said again over the next wire must not wait for one that is dead. */
  #livenessIsOver(before: State): boolean {
    const state = this.#state;
    return before.at === 'closing' || (before.at === 'open' && !(state.at === 'closing' && state.mayReturn));
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'dial':
        this.#dial(effect.wire);
        break;
      case 'startTimer':
        this.#cancelTimer?.();
        this.#cancelTimer = this.#startTimer(effect.delayMs, () => this.#dispatch({ is: 'timeout' }));
        break;
      case 'startDeadline':
        this.#cancelDeadline = deadline(this.#platform.clock, effect.delayMs, () => this.#dispatch({ is: 'deadline' }));
        break;
      case 'closeLink':
        this.link.close(effect.code, effect.reason);
        if (this.#isHeld) this.#cutTail();
        break;
      case 'detachWire':
        this.#wire?.detach(effect.code, effect.reason);
        this.#wire = undefined;
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
      this.#dialFailed(number, addressFailed(error));
      return;
    }
    if (!(url instanceof Promise)) this.#dialUrl(number, url);
    else
      url.then(
        (resolved) => this.#dialUrl(number, resolved),
        (error: unknown) => this.#dialFailed(number, addressFailed(error)),
      );
  }

  #dialUrl(number: number, url: URL): void {
    if (this.#state.at !== 'dialing' || this.#state.wire !== number) return;
    const { protocols, maxMessageBytes, closeTimeoutMs, node } = this.#settings;
    const maxFrameBytes = this.link.maxFrameBytes ?? maxMessageBytes;
    const request = { url, protocols: this.link.offer(protocols), maxMessageBytes: maxFrameBytes, closeTimeoutMs, node };
    let wire: Wire;
    try {
      wire = this.#platform.dial(request, this.#wireEvents(number));
    } catch (error) {
      this.#dialFailed(number, dialThrew(error));
      return;
    }
    this.#wire = wire;
    if (wire.isOpen) this.link.attach(wire);
  }

  #dialFailed(number: number, error: WebsocketError): void {
    this.#dispatch({ is: 'lost', wire: number, info: abnormalClose(error.message), error });
  }

  #wireEvents(number: number): WireEvents {
    const isCurrent = () => 'wire' in this.#state && this.#state.wire === number && this.#wire !== undefined;
    return {
      opened: () => {
        if (isCurrent()) this.link.attach(this.#wire as Wire);
      },
      received: (message, bytes) => {
        if (!isCurrent()) return;
        this.#liveness?.touch();
        if (this.#tail === 'kept') this.link.received(message, bytes);
        else this.#dropTail();
      },
      alive: () => {
        if (isCurrent()) this.#liveness?.touch();
      },
      pong: () => {
        if (isCurrent()) this.#liveness?.pong();
      },
      drained: () => {
        if (isCurrent()) this.link.drained();
      },
      closed: (info, error) => {
        if (!isCurrent()) return;
        this.#wire = undefined;
        // A batch of a session that is too big costs its wire only.
        if (error === undefined && info.code === CloseCode.messageTooBig && !this.link.resumes) {
          this.giveUp(info, tooBigForPeer(info));
          return;
        }
        const cause = error ?? this.#refusal(info);
        this.#dispatch({
          is: 'lost',
          wire: number,
          info,
          retryAfterMs: this.#takeRetryAfterMs(),
          ...(cause === undefined ? {} : { error: cause }),
        });
      },
    };
  }

  /** A server may let the WebSocket open and send it away before the link has begun. */
  #refusal(info: CloseInfo): WebsocketError | undefined {
    return this.#state.at === 'dialing' && this.#state.to === 'open' ? sentAway(info) : undefined;
  }

  #linkHost(): SessionHost {
    return {
      // Messages and counts go straight through: deliver, sent, shed, drained, measured.
      ...this.#host,
      ready: (continuity) => {
        if (this.#state.at !== 'dialing') return;
        this.#continuity = continuity;
        this.#startLiveness();
        this.#dispatch({ is: 'opened', wire: this.#state.wire });
        if (this.#isHeld) this.#hold();
      },
      pong: () => this.#liveness?.pong(),
      undelivered: (messages) => this.#reports.tell((host) => host.undelivered(messages)),
      giveUp: (code, error) => this.giveUp({ code, reason: error.code, wasClean: false }, error),
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
    const wire = this.#wire;
    this.#liveness = new Liveness(times, this.#platform.clock, {
      ping: this.link.ping ?? (wire?.ping === undefined ? undefined : () => wire.ping?.()),
      dead: (silentMs) => this.#lose(abnormalClose('link dead'), linkDead(silentMs)),
      measured: (rttMs) => this.#host.measured(rttMs),
    });
  }

  #fail(code: number, error: WebsocketError): void {
    this.#lose({ code, reason: error.code, wasClean: false }, error, code);
  }

  /** Gives the present wire up: its late events find nobody. Without an error, the peer said goodbye. */
  #lose(info: CloseInfo, error: WebsocketError | undefined, code?: number): void {
    const state = this.#state;
    if (!('wire' in state) || this.#wire === undefined) return;
    this.#wire.detach(code, code === undefined ? undefined : info.reason);
    this.#wire = undefined;
    const retryAfterMs = this.#takeRetryAfterMs();
    if (error === undefined) this.#dispatch({ is: 'lost', wire: state.wire, info, retryAfterMs, isOver: true });
    else this.#dispatch({ is: 'lost', wire: state.wire, info, retryAfterMs, error });
  }

  #takeRetryAfterMs(): number | undefined {
    const retryAfterMs = this.#retryAfterMs;
    this.#retryAfterMs = undefined;
    return retryAfterMs;
  }
}
