import { backoffDelayMs } from '../core/backoff.js';
import type { ClientConnection, ConnectionOwner } from '../core/client-connection.js';
import { Reports } from '../core/client-connection.js';
import type { Cancel } from '../core/clock.js';
import * as CloseCode from '../core/close-codes.js';
import { abnormalClose } from '../core/close-codes.js';
import type { Target } from '../core/dialer.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { Extension, RecordPort } from '../core/extension.js';
import { PAGE_HIDDEN } from '../core/machine.js';
import type { CloseInfo, ConnectionState, Message } from '../core/types.js';
import { AddressResponder } from './address-exchange.js';
import { GapTracker } from './gap-tracker.js';
import { type ConnectionPost, HubPort, type HubPortParts } from './hub-port.js';
import { handlePost, type PostHandlers } from './port.js';
import { SLOW_TAB_MS, type ToTab, unpack } from './posts.js';
import { TabChannel } from './tab-channel.js';
import { TabRecords } from './tab-records.js';

/** The parts of a client whose connection is a hub's. `target` answers the hub that asks for the address. */
export type TabConnectionParts = HubPortParts & { readonly target: Target };

/** A hub answers a close when its server does, and the posts take time, too. */
const CLOSE_GRACE_MS = 1_000;

/**
 * The connection of a client whose transport is in a hub. It repeats the state, the events and the messages of the hub's client;
 * the outbox, the inbox and the application's functions stay in the tab.
 */
export class TabConnection implements ClientConnection {
  readonly channel: TabChannel;
  readonly #parts: TabConnectionParts;
  readonly #owner: ConnectionOwner;
  readonly #reports: Reports;
  readonly #addressResponder: AddressResponder;
  readonly #hubPort: HubPort;
  readonly #gapTracker = new GapTracker();
  readonly #records: TabRecords;
  readonly #handlers: PostHandlers<ConnectionPost> = {
    opened: (post) => this.channel.opened(post.protocol, post.connection, (lost) => this.#opened(post, lost)),
    message: ({ message, bytes }) => {
      this.#gapTracker.received();
      this.channel.received(message, bytes);
    },
    record: (post) => this.#records.received(post),
    handed: ({ messages }) => this.channel.handed(messages),
    acknowledged: ({ messages }) => void this.channel.settled(messages),
    returned: ({ messages }) => this.#handBack(this.channel.settled(messages)),
    undelivered: ({ messages }) => this.#handBack(messages),
    ask: ({ ask }) => void this.#addressResponder.to(ask).then((answer) => this.#hubPort.post(answer)),
    behind: () => this.#fellBehind(),
    disconnected: () => {
      this.#records.detached(false);
      this.channel.disconnected();
      if (this.#state !== 'closing') this.#become('reconnecting');
    },
    retrying: ({ attempt, delayMs, cause }) => {
      if (this.#state !== 'closing') this.#retry(attempt, delayMs, this.#addressResponder.unpackCause(cause));
    },
    failed: ({ error }) => this.#reports.tell((reports) => reports.failed(unpack(error))),
    measured: ({ rttMs }) => this.#owner.measured(rttMs),
    closed: ({ info, error }) => this.#end(info, error && this.#addressResponder.unpack(error)),
  };
  #state: ConnectionState = 'idle';
  #losses = 0;
  #cancelTimer: Cancel | undefined;

  constructor(parts: TabConnectionParts, owner: ConnectionOwner) {
    this.#parts = parts;
    this.#owner = owner;
    this.#reports = new Reports(owner);
    this.#addressResponder = new AddressResponder(parts.target);
    this.#hubPort = new HubPort(parts, {
      receive: (post) => handlePost<ConnectionPost>(this.#handlers, post),
      // The messages before the close were posted to the worker, and another hub does not have them.
      failed: () => (this.#state === 'closing' ? this.#end(abnormalClose('The worker did not start.')) : this.#join()),
      lost: () => {
        this.#drop();
        this.#lost(abnormalClose('The worker that held the connection is gone.'));
      },
    });
    this.#records = new TabRecords(parts.settings.outbox.maxBytes, (post) => this.#hubPort.post(post));
    this.channel = new TabChannel(parts.settings.outbox, parts.session, owner, {
      post: (post) => this.#hubPort.post(post),
      dropped: () => this.#reports.tell((reports) => reports.failed(makeError('INBOX_FULL', { ...parts.settings.inbox, isClosing: true }))),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get protocol(): string {
    return this.#state === 'open' || this.#state === 'closing' ? this.channel.protocol : '';
  }

  /** A connection without a session has no extensions. */
  extension<E extends Extension>(name: string, make: (port: RecordPort) => E): E | undefined {
    return this.#parts.session && this.#records.get(name, make);
  }

  connect(): void {
    this.#become('connecting');
    this.#join();
  }

  close(code: number, reason: string, isFinal = false): void {
    const isOnItsWay = this.#state === 'reconnecting' && this.#parts.session !== undefined && this.channel.isJoined;
    if (this.#state === 'open' || (isOnItsWay && !isFinal)) this.#closeOverHub(code, reason);
    else if (this.#state !== 'closing' && this.#state !== 'closed') {
      // Messages in transit count as unsent: this tab does not learn whether the hub still sends them.
      this.#hubPort.post({ is: 'leave', code, reason });
      this.#end(abnormalClose(reason));
    }
  }

  /** This turn may be the page's last. A page in the page cache must hold no lock, and receives nothing. */
  suspended(): void {
    const isAlive = this.#state === 'open' || this.#state === 'connecting' || this.#state === 'reconnecting';
    if (!isAlive || this.#hubPort.isLocal) {
      this.#hubPort.flush();
      return;
    }
    this.#leave(CloseCode.goingAway, PAGE_HIDDEN);
    const info: CloseInfo = { code: CloseCode.goingAway, reason: PAGE_HIDDEN, wasClean: false };
    if (this.#parts.settings.reconnect === undefined) this.#end(info);
    else if (this.#state !== 'reconnecting') this.#retry(1, Number.POSITIVE_INFINITY, info);
  }

  woken(): void {
    if (this.#hubPort.isOpen) this.#hubPort.post({ is: 'wake' });
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
    else this.#inboxFull(makeError('INBOX_FULL', { ...this.#parts.settings.inbox }));
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
    this.#hubPort.open(this.#gapTracker.hasOpened);
  }

  /** A session without a connection still sends the accepted messages, and then closes; the hub waits within the same time. */
  #closeOverHub(code: number, reason: string): void {
    this.#become('closing');
    this.#startTimer(this.#parts.settings.closeTimeoutMs + CLOSE_GRACE_MS, () =>
      this.#end(abnormalClose('The worker did not answer to the close.')),
    );
    this.channel.close(code, reason);
  }

  #handBack(messages: readonly Message[]): void {
    if (messages.length > 0) this.#reports.tell((reports) => reports.undelivered(messages));
  }

  /** @param lost the messages that an earlier hub had in transit. */
  #opened(post: ToTab & { is: 'opened' }, lost: readonly Message[]): void {
    if (this.#state !== 'connecting' && this.#state !== 'reconnecting') return;
    const isFirst = !this.#gapTracker.hasOpened;
    const continuity = this.#gapTracker.opened(post, lost.length);
    this.#losses = 0;
    this.#become('open');
    this.#reports.tell((reports) => reports.opened(isFirst, continuity));
    this.#handBack(lost);
    this.#records.opened(post);
  }

  #fellBehind(): void {
    const { settings, session } = this.#parts;
    if (this.#state === 'closing') return;
    if (this.channel.hasUnread) {
      const facts = session === undefined ? settings.inbox : { maxBytes: session.windowBytes, slowMs: SLOW_TAB_MS };
      this.#inboxFull(makeError('INBOX_FULL', { ...facts }));
    } else this.#lost(abnormalClose('This tab took nothing for too long and was left behind.'));
  }

  /** There is no hub, or it posts nothing more: the tab has its own attempts. */
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
    this.#reports.tell((reports) => reports.retrying({ attempt, delayMs, cause }));
  }

  #inboxFull(error: WebsocketError): void {
    this.terminate({ code: CloseCode.inboxFull, reason: error.code, wasClean: false }, error);
  }

  #leave(code: number, reason: string): void {
    this.#hubPort.post({ is: 'leave', code, reason });
    this.channel.left();
    this.#drop();
    this.#away();
  }

  #drop(): void {
    this.#cancelTimer?.();
    this.#records.detached(true);
    this.#hubPort.release();
    this.channel.restart();
  }

  /** The connection may go on without this tab. */
  #away(): void {
    this.#gapTracker.away();
    this.channel.disconnected();
  }

  #end(info: CloseInfo, error?: WebsocketError): void {
    if (this.#state === 'closed') return;
    this.#drop();
    this.channel.disconnected();
    this.#become('closed');
    this.#records.ended();
    if (error !== undefined) this.#reports.tell((reports) => reports.failed(error));
    this.#reports.tell((reports) => reports.closed(info, error));
  }

  #become(state: ConnectionState): void {
    const before = this.#state;
    if (before === state) return;
    this.#state = state;
    this.#reports.tell((reports) => reports.stateChanged(state, before));
  }

  #startTimer(delayMs: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.platform.clock.after(delayMs, call);
  }
}
