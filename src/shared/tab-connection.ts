import { backoffDelayMs } from '../core/backoff.js';
import type { ClientConnection, ConnectionOwner } from '../core/client-connection.js';
import { newId } from '../core/client-id.js';
import type { Cancel } from '../core/clock.js';
import * as CloseCode from '../core/close-code.js';
import { abnormalClose } from '../core/close-codes.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { Reports } from '../core/reports.js';
import type { CloseInfo, ConnectionState, Message } from '../core/types.js';
import { AddressResponder } from './address-responder.js';
import { unpack } from './carried-error.js';
import { GapTracker } from './gap-tracker.js';
import { SLOW_TAB_MS, type ToTab } from './posts.js';
import { Seat } from './seat.js';
import { TabChannel } from './tab-channel.js';
import { joinPost, type TabConnectionParts } from './tab-connection-parts.js';

/** A hub answers a close when its server does, and then some. */
const CLOSE_GRACE_MS = 1_000;

const HIDDEN = 'page hidden';

/**
 * The connection that a hub holds, as one of its tabs sees it: the state, the events and the messages are the hub's; the
 * outbox, the inbox and the application's functions stay here.
 */
export class TabConnection implements ClientConnection {
  readonly channel: TabChannel;
  readonly #parts: TabConnectionParts;
  readonly #events: ConnectionOwner;
  readonly #reports: Reports;
  readonly #addressResponder: AddressResponder;
  readonly #seat: Seat;
  readonly #gapTracker = new GapTracker();
  readonly #tab: string;
  #state: ConnectionState = 'idle';
  #losses = 0;
  #cancelTimer: Cancel | undefined;

  constructor(parts: TabConnectionParts, events: ConnectionOwner) {
    this.#parts = parts;
    this.#events = events;
    this.#reports = new Reports(events);
    this.#addressResponder = new AddressResponder(parts.target);
    this.#tab = newId(parts.platform.random);
    this.#seat = new Seat(parts, {
      receive: (post) => this.#receive(post),
      // What was to go before the close was posted to the worker: another hub has nothing of it.
      failed: () => (this.#state === 'closing' ? this.#end(abnormalClose('The worker did not start.')) : this.#join()),
      lost: () => {
        this.#drop();
        this.#lost(abnormalClose('The worker that held the connection is gone.'));
      },
    });
    this.channel = new TabChannel(parts.settings.outbox, parts.session, {
      ...events,
      post: (post) => this.#seat.post(post),
      dropped: () => this.#reports.tell((told) => told.failed(makeError('INBOX_FULL', { ...parts.settings.inbox, isClosing: true }))),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get protocol(): string {
    return this.#state === 'open' || this.#state === 'closing' ? this.channel.protocol : '';
  }

  connect(): void {
    this.#become('connecting');
    this.#join();
  }

  close(code: number, reason: string, isFinal = false): void {
    const isOnItsWay = this.#state === 'reconnecting' && this.#parts.session !== undefined && this.channel.isJoined;
    if (this.#state === 'open' || (isOnItsWay && !isFinal)) this.#closeOverHub(code, reason);
    else if (this.#state !== 'closing' && this.#state !== 'closed') {
      // What is on its way is counted as unsent: nobody can tell here whether the hub still gets rid of it.
      this.#seat.post({ is: 'leave', code, reason });
      this.#end(abnormalClose(reason));
    }
  }

  /** The page may be gone with this turn. In the page cache it must hold no lock, and is told nothing. */
  suspended(): void {
    const isAlive = this.#state === 'open' || this.#state === 'connecting' || this.#state === 'reconnecting';
    if (!isAlive || this.#seat.isLocal) {
      this.#seat.flush();
      return;
    }
    this.#leave(CloseCode.goingAway, HIDDEN);
    const info: CloseInfo = { code: CloseCode.goingAway, reason: HIDDEN, wasClean: false };
    if (this.#parts.settings.reconnect === undefined) this.#end(info);
    else if (this.#state !== 'reconnecting') this.#retry(1, Number.POSITIVE_INFINITY, info);
  }

  woken(): void {
    if (this.#seat.isTaken) this.#seat.post({ is: 'wake' });
    else if (this.#state === 'reconnecting') this.#join();
  }

  retryNow(): void {
    if (this.#state === 'reconnecting') this.woken();
  }

  exiting(): void {
    this.close(CloseCode.goingAway, 'process exit', true);
  }

  pause(): void {
    if (this.#parts.session !== undefined) return;
    if (this.#state === 'closing') this.channel.cut();
    else this.#fail(CloseCode.inboxFull, makeError('INBOX_FULL', { ...this.#parts.settings.inbox }));
  }

  resume(): void {}

  consumed(bytes: number): void {
    this.channel.consumed(bytes);
  }

  terminate(info: CloseInfo, error: WebsocketError | undefined): void {
    this.#leave(info.code, info.reason);
    this.#end(info, error);
  }

  #join(): void {
    this.#cancelTimer?.();
    this.#seat.take(joinPost(this.#parts, this.#tab, this.#gapTracker.hasOpened));
  }

  /** A session that is away still sends what was accepted, and then its end; the hub waits for it as long as it may take. */
  #closeOverHub(code: number, reason: string): void {
    this.#become('closing');
    this.#startTimer(this.#parts.settings.closeTimeoutMs + CLOSE_GRACE_MS, () =>
      this.#end(abnormalClose('The worker did not answer to the close.')),
    );
    this.channel.close(code, reason);
  }

  #receive(post: ToTab): void {
    switch (post.is) {
      case 'opened':
        this.channel.opened(post.protocol, post.connection, (lost) => this.#opened(post, lost));
        break;
      case 'message':
        this.#gapTracker.received();
        this.channel.received(post.message, post.bytes);
        break;
      case 'handed':
        this.channel.handed(post.messages);
        break;
      case 'acknowledged':
      case 'returned': {
        const settled = this.channel.settled(post.messages);
        if (post.is === 'returned') this.#handBack(settled);
        break;
      }
      case 'ask':
        void this.#addressResponder.to(post.ask).then((answer) => this.#seat.post(answer));
        break;
      case 'behind':
        this.#fellBehind();
        break;
      default:
        this.#told(post);
    }
  }

  #told(post: ToTab): void {
    switch (post.is) {
      case 'broken':
        this.channel.broken();
        if (this.#state !== 'closing') this.#become('reconnecting');
        break;
      case 'retrying':
        if (this.#state !== 'closing')
          this.#retry(
            post.attempt,
            post.delayMs,
            'error' in post.cause ? this.#addressResponder.unpack(post.cause.error) : post.cause.info,
          );
        break;
      case 'failed':
        this.#reports.tell((events) => events.failed(unpack(post.error)));
        break;
      case 'undelivered':
        this.#handBack(post.messages);
        break;
      case 'measured':
        this.#events.measured(post.rttMs);
        break;
      case 'closed':
        this.#end(post.info, post.error === undefined ? undefined : this.#addressResponder.unpack(post.error));
        break;
    }
  }

  #handBack(messages: readonly Message[]): void {
    if (messages.length > 0) this.#reports.tell((events) => events.undelivered(messages));
  }

  /** @param lost what an earlier hub had on its way. */
  #opened(post: ToTab & { is: 'opened' }, lost: readonly Message[]): void {
    if (this.#state !== 'connecting' && this.#state !== 'reconnecting') return;
    const isFirst = !this.#gapTracker.hasOpened;
    const continuity = this.#gapTracker.opened(post, lost.length);
    this.#losses = 0;
    this.#become('open');
    this.#reports.tell((events) => events.opened(isFirst, continuity));
    this.#handBack(lost);
  }

  #fellBehind(): void {
    const { settings, session } = this.#parts;
    if (this.#state === 'closing') return;
    if (this.channel.hasUnread) {
      const facts = session === undefined ? settings.inbox : { maxBytes: session.windowBytes, slowMs: SLOW_TAB_MS };
      this.#fail(CloseCode.inboxFull, makeError('INBOX_FULL', { ...facts }));
    } else this.#lost(abnormalClose('This tab took nothing for too long and was left behind.'));
  }

  /** Nobody is there to say when: this tab asks for itself. */
  #lost(info: CloseInfo): void {
    const { settings, platform } = this.#parts;
    this.#away();
    this.#losses += 1;
    const { reconnect } = settings;
    if (this.#state === 'closing' || reconnect === undefined || this.#losses > reconnect.maxAttempts) {
      this.terminate(info, undefined);
      return;
    }
    const delayMs = backoffDelayMs(reconnect, this.#losses, platform.random());
    this.#startTimer(delayMs, () => this.woken());
    this.#retry(this.#losses, delayMs, info);
  }

  #retry(attempt: number, delayMs: number, cause: WebsocketError | CloseInfo): void {
    this.#become('reconnecting');
    this.#reports.tell((events) => events.retrying({ attempt, delayMs, cause }));
  }

  #fail(code: number, error: WebsocketError): void {
    this.#leave(code, error.code);
    this.#end({ code, reason: error.code, wasClean: false }, error);
  }

  #leave(code: number, reason: string): void {
    this.#seat.post({ is: 'leave', code, reason });
    this.channel.left();
    this.#drop();
    this.#away();
  }

  #drop(): void {
    this.#cancelTimer?.();
    this.#seat.release();
    this.channel.restart();
  }

  /** The connection may go on without this tab. */
  #away(): void {
    this.#gapTracker.away();
    this.channel.broken();
  }

  #end(info: CloseInfo, error?: WebsocketError): void {
    if (this.#state === 'closed') return;
    this.#drop();
    this.channel.broken();
    this.#become('closed');
    if (error !== undefined) this.#reports.tell((events) => events.failed(error));
    this.#reports.tell((events) => events.closed(info, error));
  }

  #become(state: ConnectionState): void {
    const before = this.#state;
    if (before === state) return;
    this.#state = state;
    this.#reports.tell((events) => events.stateChanged(state, before));
  }

  #startTimer(delayMs: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.platform.clock.after(delayMs, call);
  }
}
