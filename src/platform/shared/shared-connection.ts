import type { Client } from '../../core/client.js';
import { abnormalClose, CloseCode } from '../../core/close-codes.js';
import { WebsocketError } from '../../core/errors.js';
import type { CloseInfo, Continuity, ReconnectAttempt } from '../../core/types.js';
import { whatwgCloseCode } from '../../core/whatwg-wire.js';
import { AddressDesk } from './address-desk.js';
import { carry } from './carried-error.js';
import { type HubClientHost, makeHubClient } from './hub-client.js';
import { Inflow } from './inflow.js';
import type { Join, Member } from './member.js';
import { Outflow } from './outflow.js';
import type { CarriedCause, ToHub } from './posts.js';

/** What the members are told of a connection that is open already. */
const JOINED: Continuity = { resumed: false, replayed: 0, lost: undefined, reason: 'The connection was open already.' };

/** One physical connection, and the logical clients that share it: how they come and go, and what they are told. */
export class SharedConnection {
  /** A tab was shown, or a new one came: a good moment to try, and to doubt the link. */
  readonly #wake: () => void;
  readonly #hasSession: boolean;
  readonly #members = new Set<Member>();
  /** Members that have closed, until all that they sent is handed on or acknowledged. */
  readonly #leaving = new Set<Member>();
  /** Earlier seats of tabs, by which messages were sent that are still uncertain. */
  readonly #uncertain = new Map<string, Member>();
  readonly #desk = new AddressDesk(this.#members);
  readonly #client: Client;
  readonly #inflow: Inflow;
  readonly #outflow: Outflow;
  readonly #ended: () => void;
  #cause: WebsocketError | undefined;

  /** @param ended nobody can join any more. */
  constructor(join: Join, host: HubClientHost, ended: () => void) {
    this.#hasSession = join.session !== undefined;
    this.#ended = ended;
    const { client, wake } = makeHubClient(join, host, {
      address: () => this.#desk.address(),
      measured: (rttMs) => this.#tell((member) => member.post({ is: 'measured', rttMs })),
      acknowledged: (messages) => this.#outflow.acknowledged(messages),
    });
    this.#client = client;
    this.#wake = wake;
    this.#outflow = new Outflow(client, this.#members, this.#hasSession);
    this.#listen();
    this.#inflow = new Inflow(client, this.#members, {
      platform: host.platform,
      canHold: this.#hasSession,
    });
  }

  add(member: Member): void {
    const { state } = this.#client;
    this.#members.add(member);
    // A tab that is back trusts this connection with what it sent before: it must not do so too soon.
    const earlier = this.#uncertain.get(member.join.tab);
    if (earlier !== undefined) {
      member.isBehind = true;
      this.#whenCertain(earlier, () => this.#again(member));
    }
    if (state === 'idle')
      this.#client.connect().catch(() => {}); // told by events
    else if (state === 'open') this.#inflow.begin(member, JOINED);
    else this.#wake();
  }

  /** To be called after members have sent. */
  pump(): void {
    this.#outflow.pump();
  }

  /** Its tab was shown, or left behind and is back. */
  wake(member: Member): void {
    this.#wake();
    if (member.isBehind && !this.#uncertain.has(member.join.tab)) this.#again(member);
  }

  taken(member: Member, bytes: number): void {
    member.taken(bytes);
    this.#inflow.judge();
  }

  answered(member: Member, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    this.#desk.answered(member, answer);
  }

  /** It is told how it ends: once all that it sent is safe, or, for the last one, as the connection does. */
  close(member: Member, code: number, reason: string): void {
    if (this.#hasOthers(member)) {
      this.#remove(member);
      this.#leaving.add(member);
      member.whenSettled(() => {
        this.#leaving.delete(member);
        member.closed({ code: whatwgCloseCode(code), reason, wasClean: true });
      });
    } else this.#closeWith(member, code, reason);
  }

  leave(member: Member, code: number, reason: string): void {
    if (this.#leaving.delete(member)) member.over();
    if (!this.#members.has(member)) return;
    if (!this.#hasOthers(member)) this.#closeWith(member, code, reason);
    this.#remove(member);
    member.over();
    if (member.unsettled > 0) this.#whenCertain(member);
  }

  #again(member: Member): void {
    member.isBehind = false;
    if (this.#client.isConnectionOpen()) this.#inflow.begin(member, JOINED);
  }

  #whenCertain(member: Member, call?: () => void): void {
    const { tab } = member.join;
    this.#uncertain.set(tab, member);
    member.whenSettled(() => {
      this.#uncertain.delete(tab);
      call?.();
    });
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
    this.#inflow.judge();
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

  /** Its first attempt was its last. With the last member goes the connection, and nothing more of what it sent. */
  #fail(member: Member, info: CloseInfo, error: WebsocketError | undefined): void {
    const isLast = !this.#hasOthers(member);
    this.#members.delete(member);
    if (isLast) this.#closeWith(member, CloseCode.normal, '');
    else this.#remove(member);
    this.#end(member, info, error);
  }

  #end(member: Member, info: CloseInfo, error: WebsocketError | undefined): void {
    member.closed(info, error, this.#desk.askOf(member, error));
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
    client.on('undelivered', (messages) => this.#outflow.returned(messages));
    client.on('close', (info) => this.#closed(info));
  }

  #tell(tell: (member: Member) => void): void {
    for (const member of [...this.#members]) tell(member);
  }

  #tellPatient(tell: (member: Member) => void): void {
    this.#tell((member) => member.isPatient && tell(member));
  }

  #opened(continuity: Continuity): void {
    if (!continuity.resumed) this.#inflow.beginRow();
    this.#tell((member) => this.#inflow.begin(member, continuity));
    this.#outflow.pump();
  }

  #retrying({ attempt, delayMs, cause }: ReconnectAttempt): void {
    const error = cause instanceof WebsocketError ? cause : undefined;
    const info = error === undefined ? (cause as CloseInfo) : abnormalClose(error.message);
    this.#tell((member) => {
      if (member.isPatient) {
        const carried: CarriedCause = error === undefined ? { info } : { error: carry(error, this.#desk.askOf(member, error)) };
        member.post({ is: 'retrying', attempt, delayMs, cause: carried });
      } else this.#fail(member, info, error);
    });
  }

  #closed(info: CloseInfo): void {
    this.#ended();
    this.#inflow.end();
    for (const member of [...this.#members, ...this.#leaving]) this.#end(member, info, this.#cause);
    this.#members.clear();
    this.#leaving.clear();
  }
}
