import { Client } from '../../core/client.js';
import { newId } from '../../core/client-id.js';
import { clientParts, type LinkOptions } from '../../core/client-parts.js';
import type { Cancel } from '../../core/clock.js';
import { abnormalClose, CloseCode } from '../../core/close-codes.js';
import { WebsocketError } from '../../core/errors.js';
import type { ClientOptions } from '../../core/options.js';
import { WIRE_MARK_BYTES } from '../../core/plain-link.js';
import type { LifecycleListener, Platform } from '../../core/platform.js';
import type { CloseInfo, Continuity, Message, ReconnectAttempt, SessionFeature } from '../../core/types.js';
import { utf8Length } from '../../core/utf8.js';
import { whatwgCloseCode } from '../../core/whatwg-wire.js';
import { AddressDesk } from './address-desk.js';
import { carry } from './carried-error.js';
import type { Locks } from './locks.js';
import type { Join, Member, Parcel } from './member.js';
import { Outflow } from './outflow.js';
import { type CarriedCause, SLOW_TAB_MS, type ToHub } from './posts.js';

export interface HubHost {
  /** Of the physical connections. */
  readonly platform: Platform;
  /** Undefined where hub and tab live and die together. */
  readonly locks: Locks | undefined;
  makeSession(options: LinkOptions): SessionFeature;
}

/** What the members are told of a connection that is open already. */
const JOINED: Continuity = { resumed: false, replayed: 0, lost: undefined, reason: 'The connection was open already.' };

/** One physical connection, an ordinary client, and the logical clients that share it. */
export class SharedConnection {
  readonly #host: HubHost;
  readonly #hasSession: boolean;
  readonly #client: Client;
  readonly #desk: AddressDesk;
  readonly #outflow: Outflow;
  readonly #members = new Set<Member>();
  readonly #ended: () => void;
  /** Names the messages since the last break that was not mended. */
  #row = '';
  #received = 0;
  #life: LifecycleListener | undefined;
  #stopReading: (() => void) | undefined;
  #cancelPatience: Cancel | undefined;
  #cause: WebsocketError | undefined;

  /** @param ended nobody can join any more. */
  constructor(join: Join, host: HubHost, ended: () => void) {
    this.#host = host;
    this.#hasSession = join.session !== undefined;
    this.#ended = ended;
    this.#desk = new AddressDesk(this.#members);
    this.#client = this.#makeClient(join);
    this.#outflow = new Outflow(this.#client, this.#members);
    this.#listen();
    this.#read();
  }

  add(member: Member): void {
    const { state } = this.#client;
    this.#members.add(member);
    if (state === 'idle')
      this.#client.connect().catch(() => {}); // told by events
    else if (state === 'open') member.opened(this.#client.protocol, JOINED, this.#row, this.#received);
    else this.wake();
  }

  send(member: Member, parcel: Parcel): void {
    member.waiting.push(parcel);
    this.#outflow.pump();
  }

  taken(member: Member, bytes: number): void {
    member.taken(bytes);
    this.#judge();
  }

  answered(member: Member, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    this.#desk.answered(member, answer);
  }

  /** A tab was shown, or a new one came: a good moment to try, and to doubt the link. */
  wake(): void {
    this.#life?.woken();
  }

  /** It is told how it ends: at once, or, for the last one, as the connection does. */
  close(member: Member, code: number, reason: string): void {
    if (this.#hasOthers(member)) {
      this.#remove(member);
      member.closed({ code: whatwgCloseCode(code), reason, wasClean: true });
    } else this.#closeWith(member, code, reason);
  }

  leave(member: Member, code: number, reason: string): void {
    if (!this.#members.has(member)) return;
    if (!this.#hasOthers(member)) this.#closeWith(member, code, reason);
    this.#remove(member);
    member.over();
  }

  #hasOthers(member: Member): boolean {
    return this.#members.size > (this.#members.has(member) ? 1 : 0);
  }

  /** What it sent is sent, and nobody waits for it any more. */
  #remove(member: Member): void {
    this.#members.delete(member);
    this.#outflow.inherit(member);
    this.#outflow.pump();
    this.#desk.left(member);
    this.#judge();
  }

  #closeWith(member: Member, code: number, reason: string): void {
    this.#ended();
    if (member.isLeaving) return;
    member.isLeaving = true;
    // All that was accepted; the client sends it before its close frame.
    const { state } = this.#client;
    if (state === 'open' || (this.#hasSession && state === 'reconnecting')) this.#outflow.flush();
    void this.#client.close(code, reason);
  }

  #makeClient(join: Join): Client {
    const { platform } = this.#host;
    const { reconnect, liveness, ...rest } = join.settings;
    const options: ClientOptions = {
      ...rest,
      reconnect: reconnect ?? false,
      liveness: liveness ?? false,
      // Each member's share has its bound in the member's own window; `drained` comes when the wire has room.
      outbox: { highWaterBytes: 2 * WIRE_MARK_BYTES, maxBytes: Number.POSITIVE_INFINITY },
      ...(join.session === undefined ? {} : { session: this.#host.makeSession(join.session) }),
    };
    const watched: typeof platform = {
      ...platform,
      lifecycle: {
        watch: (listener) => {
          this.#life = listener;
          return platform.lifecycle.watch(listener);
        },
      },
    };
    // The tab has checked address and type; whether a first failure is the end is each member's own affair.
    const parts = clientParts(watched, () => this.#desk.address(), 'insecure', options, true);
    const measured = (rttMs: number) => this.#tell((member) => member.post({ is: 'measured', rttMs }));
    return new Client({
      ...parts,
      makeLink: (host) =>
        parts.makeLink({
          ...host,
          measured: (rttMs) => {
            host.measured(rttMs);
            measured(rttMs);
          },
        }),
    });
  }

  #listen(): void {
    const client = this.#client;
    client.on('state', (now) => {
      if (now === 'reconnecting') this.#tellPatient((member) => member.post({ is: 'broken' }));
    });
    client.on('error', (error) => {
      if (client.state === 'closed' && error.code !== 'UNSENT') this.#cause = error;
      else this.#tellPatient((member) => member.post({ is: 'failed', error: carry(error) }));
    });
    client.on('reconnecting', (attempt) => this.#retrying(attempt));
    client.on('open', () => this.#opened(JOINED));
    client.on('reconnected', (continuity) => this.#opened(continuity));
    // The session is one, so one tab is told: two would send the messages again twice.
    client.on('undelivered', (messages) => {
      for (const member of this.#members) {
        member.post({ is: 'undelivered', messages });
        break;
      }
    });
    client.on('close', (info) => this.#closed(info));
  }

  #tell(tell: (member: Member) => void): void {
    for (const member of [...this.#members]) tell(member);
  }

  #tellPatient(tell: (member: Member) => void): void {
    this.#tell((member) => member.isPatient && tell(member));
  }

  #opened(continuity: Continuity): void {
    if (!continuity.resumed) this.#row = newId(this.#host.platform.random);
    this.#tell((member) => member.opened(this.#client.protocol, continuity, this.#row, this.#received));
    this.#outflow.pump();
  }

  #retrying({ attempt, delayMs, cause }: ReconnectAttempt): void {
    const isError = cause instanceof WebsocketError;
    const info = isError ? abnormalClose(cause.message) : (cause as CloseInfo);
    this.#tell((member) => {
      if (member.isPatient) {
        const carried: CarriedCause = isError ? { error: carry(cause, this.#desk.askOf(member, cause)) } : { info };
        member.post({ is: 'retrying', attempt, delayMs, cause: carried });
      } else if (isError) this.#fail(member, info, cause);
      else this.#fail(member, info);
    });
  }

  /** Its first attempt was its last. */
  #fail(member: Member, info: CloseInfo, cause?: WebsocketError): void {
    if (this.#hasOthers(member)) this.#remove(member);
    else {
      this.#members.delete(member);
      this.#closeWith(member, CloseCode.normal, '');
    }
    member.closed(info, cause, this.#desk.askOf(member, cause));
  }

  #closed(info: CloseInfo): void {
    this.#ended();
    this.#cancelPatience?.();
    // What a slow tab held back; after this there is nothing to hold.
    for (let next = this.#client.getMessage(); next !== undefined && 'message' in next; next = this.#client.getMessage()) {
      this.#fanOut(next.message);
    }
    this.#tell((member) => member.closed(info, this.#cause, this.#desk.askOf(member, this.#cause)));
    this.#members.clear();
  }

  #read(): void {
    this.#stopReading ??= this.#client.on('message', (message) => {
      this.#fanOut(message);
      this.#judge();
    });
  }

  #fanOut(message: Message): void {
    const bytes = typeof message === 'string' ? utf8Length(message) : message.byteLength;
    this.#received += 1;
    for (const member of this.#members) member.deliver(message, bytes);
  }

  /**
   * A tab that takes too little would fill this worker's memory. A plain connection cannot wait for it; a session stops
   * its sender, but not for ever while other tabs wait.
   */
  #judge(): void {
    const now = this.#host.platform.clock.now();
    let isHeld = false;
    for (const member of [...this.#members]) {
      if (!member.isFull) member.fullSince = undefined;
      else {
        member.fullSince ??= now;
        const isPatient = this.#hasSession && (now - member.fullSince < SLOW_TAB_MS || !this.#hasOthersThatKeepUp());
        if (isPatient) isHeld = true;
        else this.#leaveBehind(member);
      }
    }
    if (isHeld) this.#hold();
    else this.#release();
  }

  #hasOthersThatKeepUp(): boolean {
    return [...this.#members].some(({ isFull }) => !isFull);
  }

  #leaveBehind(member: Member): void {
    const isLast = !this.#hasOthers(member);
    this.#members.delete(member);
    if (isLast) this.#closeWith(member, CloseCode.inboxFull, 'INBOX_FULL');
    else this.#remove(member);
    member.behind();
  }

  #hold(): void {
    this.#stopReading?.();
    this.#stopReading = undefined;
    this.#cancelPatience ??= this.#host.platform.clock.after(SLOW_TAB_MS, () => {
      this.#cancelPatience = undefined;
      this.#judge();
    });
  }

  #release(): void {
    this.#cancelPatience?.();
    this.#cancelPatience = undefined;
    this.#read();
  }
}
