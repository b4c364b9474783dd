import { backoffDelayMs } from '../../core/backoff.js';
import type { ClientConnection } from '../../core/client-connection.js';
import { newId } from '../../core/client-id.js';
import type { Cancel } from '../../core/clock.js';
import { abnormalClose, CloseCode } from '../../core/close-codes.js';
import type { ConnectionHost } from '../../core/connection.js';
import { inboxFull, tailDropped } from '../../core/connection-errors.js';
import type { WebsocketError } from '../../core/errors.js';
import type { Leftover } from '../../core/link.js';
import { PlainLink } from '../../core/plain-link.js';
import { Reports } from '../../core/reports.js';
import type { CloseInfo, ConnectionState, Delivery } from '../../core/types.js';
import { Answers } from './answers.js';
import { unpack } from './carried-error.js';
import { Intake } from './intake.js';
import { Membership } from './membership.js';
import { continuityAfterAway, heldOthers } from './mirror-errors.js';
import { joinPost, type MirrorParts } from './mirror-parts.js';
import { PortWire } from './port-wire.js';
import type { ToHub, ToTab } from './posts.js';

/** A hub answers a close when its server does, and then some. */
const CLOSE_GRACE_MS = 1_000;

const HIDDEN = 'page hidden';

/**
 * The connection that a hub holds, as one of its tabs sees it: the state, the events and the messages are the hub's; the
 * outbox, the inbox and the application's functions stay here.
 */
export class Mirror implements ClientConnection {
  readonly link: ClientConnection['link'];
  readonly #parts: MirrorParts;
  readonly #host: ConnectionHost;
  readonly #reports: Reports;
  readonly #plain: PlainLink;
  readonly #intake: Intake;
  readonly #answers: Answers;
  readonly #wire = new PortWire((post) => this.#post(post));
  #state: ConnectionState = 'idle';
  #membership: Membership | undefined;
  /** Whether the link counts the wire's bytes among its own. */
  #isAttached = false;
  /** The worker could not start. */
  #isLocal = false;
  #hasOpened = false;
  /** The connection may have gone on without this tab. */
  #wasAway = false;
  #opened: (ToTab & { readonly is: 'opened' }) | undefined;
  /** The row of messages that this tab is in, and how many of it there were. */
  #row = '';
  #received = 0;
  #losses = 0;
  #cancelTimer: Cancel | undefined;

  constructor(parts: MirrorParts, host: ConnectionHost) {
    this.#parts = parts;
    this.#host = host;
    this.#reports = new Reports(host);
    this.#answers = new Answers(parts.target);
    this.#intake = new Intake(parts.session !== undefined, {
      taken: (bytes) => this.#post({ is: 'taken', bytes }),
      deliver: (message, bytes) => host.deliver(message, bytes),
      dropped: () => this.#reports.tell((told) => told.failed(tailDropped(parts.settings))),
    });
    this.#plain = new PlainLink(
      {
        ready: () => this.#ready(),
        deliver: (message, bytes) => this.#intake.deliver(message, bytes),
        sent: (bytes) => host.sent(bytes),
        shed: () => host.shed(),
        drained: () => host.drained(),
        pong: () => {},
        fail: () => {},
      },
      parts.settings.outbox,
    );
    this.link = this.#makeLink();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get protocol(): string {
    return this.#state === 'open' || this.#state === 'closing' ? this.#wire.protocol : '';
  }

  connect(): void {
    this.#become('connecting');
    this.#join();
  }

  close(code: number, reason: string, isFinal = false): void {
    const isOnItsWay = this.#state === 'reconnecting' && this.#parts.session !== undefined && this.#membership !== undefined;
    if (this.#state === 'open' || (isOnItsWay && this.#hasOpened && !isFinal)) this.#closeOverHub(code, reason);
    else if (this.#state !== 'closing' && this.#state !== 'closed') {
      // What is on its way is counted as unsent: nobody can tell here whether the hub still gets rid of it.
      this.#post({ is: 'leave', code, reason });
      this.#end(abnormalClose(reason));
    }
  }

  /** A session that is away still sends what was accepted, and then its end; the hub waits for it as long as it may take. */
  #closeOverHub(code: number, reason: string): void {
    const isAway = this.#state !== 'open';
    this.#become('closing');
    this.#startTimer(this.#parts.settings.closeTimeoutMs + CLOSE_GRACE_MS, () =>
      this.#end(abnormalClose('The worker did not answer to the close.')),
    );
    if (isAway) this.#attach();
    this.#plain.close(code, reason);
  }

  /** The page may be gone with this turn. In the page cache it must hold no lock, and is told nothing. */
  suspend(): void {
    const isAlive = this.#state === 'open' || this.#state === 'connecting' || this.#state === 'reconnecting';
    if (!isAlive || this.#isLocal) {
      this.#membership?.flush();
      return;
    }
    this.#leave(CloseCode.goingAway, HIDDEN);
    const info: CloseInfo = { code: CloseCode.goingAway, reason: HIDDEN, wasClean: false };
    if (this.#parts.settings.reconnect === undefined) this.#end(info);
    else if (this.#state !== 'reconnecting') this.#retry(1, Number.POSITIVE_INFINITY, info);
  }

  wake(): void {
    if (this.#membership !== undefined) this.#post({ is: 'wake' });
    else if (this.#state === 'reconnecting') this.#join();
  }

  exit(): void {
    this.close(CloseCode.goingAway, 'process exit', true);
  }

  pause(): void {
    if (this.#parts.session !== undefined) return;
    if (this.#state === 'closing') this.#intake.cut();
    else this.#fail(CloseCode.inboxFull, inboxFull(this.#parts.settings));
  }

  resume(): void {}

  giveUp(info: CloseInfo, error: WebsocketError | undefined): void {
    this.#leave(info.code, info.reason);
    this.#end(info, error);
  }

  #makeLink(): ClientConnection['link'] {
    const plain = this.#plain;
    const wire = this.#wire;
    const bufferedBytes = () => plain.bufferedBytes + (this.#isAttached ? 0 : wire.bufferedBytes);
    return {
      get bufferedBytes() {
        return bufferedBytes();
      },
      send: (message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery) => plain.send(message, bytes, delivery),
      consumed: (bytes) => this.#intake.consumed(bytes),
      end: () => this.#leftover(),
    };
  }

  #attach(): void {
    this.#isAttached = true;
    this.#plain.attach(this.#wire);
  }

  /** What is in flight waits in the worker, and counts on. */
  #detach(): void {
    this.#isAttached = false;
    this.#plain.detach();
  }

  /** What the hub has not handed on never left either. */
  #leftover(): Leftover {
    const { messages, bytes } = this.#plain.end();
    return { messages: messages + this.#wire.bufferedMessages, bytes: bytes + this.#wire.bufferedBytes };
  }

  #join(): void {
    this.#cancelTimer?.();
    this.#intake.restart();
    this.#wire.forget();
    const { platform, locks, openLocal, openWorker } = this.#parts;
    const host = {
      clock: platform.clock,
      locks: this.#isLocal ? undefined : locks,
      receive: (post: ToTab) => this.#receive(post),
      failed: () => this.#joinLocally(),
      lost: () => this.#lost(abnormalClose('The worker that held the connection is gone.')),
    };
    let membership: Membership | undefined;
    const port = this.#isLocal ? openLocal() : openWorker(() => membership?.fail());
    if (port === undefined) {
      this.#joinLocally();
      return;
    }
    membership = new Membership(port, `gemsocket tab ${newId(platform.random)}`, host);
    this.#membership = membership;
    this.#post(joinPost(this.#parts, this.#hasOpened));
  }

  #joinLocally(): void {
    this.#isLocal = true;
    this.#join();
  }

  #post(post: ToHub): void {
    this.#membership?.post(post);
  }

  #receive(post: ToTab): void {
    switch (post.is) {
      case 'opened':
        this.#opened = post;
        this.#wire.protocol = post.protocol;
        this.#attach();
        break;
      case 'message':
        this.#received += 1;
        this.#plain.received(post.message, post.bytes);
        break;
      case 'handed':
        this.#wire.handed(post.messages);
        this.#plain.drained();
        break;
      case 'ask':
        void this.#answers.to(post.ask).then((answer) => this.#post(answer));
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
        this.#detach();
        if (this.#state !== 'closing') this.#become('reconnecting');
        break;
      case 'retrying':
        if (this.#state !== 'closing')
          this.#retry(post.attempt, post.delayMs, 'error' in post.cause ? this.#answers.unpack(post.cause.error) : post.cause.info);
        break;
      case 'failed':
        this.#reports.tell((host) => host.failed(unpack(post.error)));
        break;
      case 'undelivered':
        this.#reports.tell((host) => host.undelivered(post.messages));
        break;
      case 'measured':
        this.#host.measured(post.rttMs);
        break;
      case 'closed':
        this.#end(post.info, post.error === undefined ? undefined : this.#answers.unpack(post.error));
        break;
    }
  }

  #ready(): void {
    if (this.#state !== 'connecting' && this.#state !== 'reconnecting') return;
    const { continuity, row, received } = this.#opened as ToTab & { is: 'opened' };
    const missed = row === this.#row ? received - this.#received : undefined;
    const told = this.#wasAway ? continuityAfterAway(missed) : continuity;
    const isFirst = !this.#hasOpened;
    this.#row = row;
    this.#received = received;
    this.#losses = 0;
    this.#hasOpened = true;
    this.#wasAway = false;
    this.#become('open');
    this.#reports.tell((host) => host.opened(isFirst, told));
  }

  #fellBehind(): void {
    const { settings, session } = this.#parts;
    if (this.#intake.hasUnread)
      this.#fail(CloseCode.inboxFull, session === undefined ? inboxFull(settings) : heldOthers(session.windowBytes));
    else this.#lost(abnormalClose('This tab took nothing for too long and was left behind.'));
  }

  /** Nobody is there to say when: this tab asks for itself. */
  #lost(info: CloseInfo): void {
    const { settings, platform } = this.#parts;
    this.#drop();
    this.#losses += 1;
    const { reconnect } = settings;
    if (this.#state === 'closing' || reconnect === undefined || this.#losses > reconnect.maxAttempts) {
      this.#end(info);
      return;
    }
    const delayMs = backoffDelayMs(reconnect, this.#losses, platform.random());
    this.#startTimer(delayMs, () => this.#join());
    this.#retry(this.#losses, delayMs, info);
  }

  #retry(attempt: number, delayMs: number, cause: WebsocketError | CloseInfo): void {
    this.#become('reconnecting');
    this.#reports.tell((host) => host.retrying({ attempt, delayMs, cause }));
  }

  #fail(code: number, error: WebsocketError): void {
    this.#leave(code, error.code);
    this.#end({ code, reason: error.code, wasClean: false }, error);
  }

  #leave(code: number, reason: string): void {
    this.#post({ is: 'leave', code, reason });
    this.#drop();
  }

  #drop(): void {
    this.#cancelTimer?.();
    this.#membership?.release();
    this.#membership = undefined;
    this.#wasAway = this.#hasOpened;
    this.#wire.forget();
    this.#detach();
  }

  #end(info: CloseInfo, error?: WebsocketError): void {
    if (this.#state === 'closed') return;
    this.#cancelTimer?.();
    this.#membership?.release();
    this.#membership = undefined;
    this.#detach();
    this.#become('closed');
    if (error !== undefined) this.#reports.tell((host) => host.failed(error));
    this.#reports.tell((host) => host.closed(info, error));
  }

  #become(state: ConnectionState): void {
    const before = this.#state;
    if (before === state) return;
    this.#state = state;
    this.#reports.tell((host) => host.stateChanged(state, before));
  }

  #startTimer(delayMs: number, call: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#parts.platform.clock.after(delayMs, call);
  }
}
