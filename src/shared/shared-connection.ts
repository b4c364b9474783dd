import type { Client } from '../core/client.js';
import * as CloseCode from '../core/close-code.js';
import { abnormalClose } from '../core/close-codes.js';
import { WebsocketError } from '../core/errors.js';
import type { CloseInfo, Continuity, ReconnectAttempt } from '../core/types.js';
import { whatwgCloseCode } from '../core/whatwg-transport.js';
import { AddressResolver } from './address-resolver.js';
import { carry } from './carried-error.js';
import { FairQueue } from './fair-queue.js';
import { FanOut } from './fan-out.js';
import { type HubClientEnvironment, makeHubClient } from './hub-client.js';
import type { CarriedCause, ToHub } from './posts.js';
import type { Join, TabPort } from './tab-port.js';

/** What the members are told of a connection that is open already. */
const JOINED: Continuity = { resumed: false, replayed: 0, lost: undefined, reason: 'The connection was open already.' };

/** One physical connection, and the logical clients that share it: how they come and go, and what they are told. */
export class SharedConnection {
  /** A tab was shown, or a new one came: a good moment to try, and to doubt the link. */
  readonly #wake: () => void;
  readonly #hasSession: boolean;
  readonly #tabPorts = new Set<TabPort>();
  /** Members that have closed, until all that they sent is handed on or acknowledged. */
  readonly #leaving = new Set<TabPort>();
  /** Earlier seats of tabs, by which messages were sent that are still uncertain. */
  readonly #uncertain = new Map<string, TabPort>();
  readonly #addressResolver = new AddressResolver(this.#tabPorts);
  readonly #client: Client;
  readonly #fanOut: FanOut;
  readonly #fairQueue: FairQueue;
  readonly #ended: () => void;
  #cause: WebsocketError | undefined;

  /** @param ended nobody can join any more. */
  constructor(join: Join, environment: HubClientEnvironment, ended: () => void) {
    this.#hasSession = join.session !== undefined;
    this.#ended = ended;
    const { client, wake } = makeHubClient(join, environment, {
      address: () => this.#addressResolver.address(),
      measured: (rttMs) => this.#tell((tabPort) => tabPort.post({ is: 'measured', rttMs })),
      acknowledged: (messages) => this.#fairQueue.acknowledged(messages),
    });
    this.#client = client;
    this.#wake = wake;
    this.#fairQueue = new FairQueue(client, this.#tabPorts, this.#hasSession);
    this.#listen();
    this.#fanOut = new FanOut(client, this.#tabPorts, {
      platform: environment.platform,
      canHold: this.#hasSession,
    });
  }

  add(tabPort: TabPort): void {
    const { state } = this.#client;
    this.#tabPorts.add(tabPort);
    // A tab that is back trusts this connection with what it sent before: it must not do so too soon.
    const earlier = this.#uncertain.get(tabPort.join.tab);
    if (earlier !== undefined) {
      tabPort.isBehind = true;
      this.#whenCertain(earlier, () => this.#again(tabPort));
    }
    if (state === 'idle')
      this.#client.connect().catch(() => {}); // told by events
    else if (state === 'open') this.#fanOut.begin(tabPort, JOINED);
    else this.#wake();
  }

  /** To be called after members have sent. */
  pump(): void {
    this.#fairQueue.pump();
  }

  /** Its tab was shown, or left behind and is back. */
  wake(tabPort: TabPort): void {
    this.#wake();
    if (tabPort.isBehind && !this.#uncertain.has(tabPort.join.tab)) this.#again(tabPort);
  }

  taken(tabPort: TabPort, bytes: number): void {
    tabPort.taken(bytes);
    this.#fanOut.judge();
  }

  answered(tabPort: TabPort, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    this.#addressResolver.answered(tabPort, answer);
  }

  /** It is told how it ends: once all that it sent is safe, or, for the last one, as the connection does. */
  close(tabPort: TabPort, code: number, reason: string): void {
    if (this.#hasOthers(tabPort)) {
      this.#remove(tabPort);
      this.#leaving.add(tabPort);
      tabPort.whenSettled(() => {
        this.#leaving.delete(tabPort);
        tabPort.closed({ code: whatwgCloseCode(code), reason, wasClean: true });
      });
    } else this.#closeWith(tabPort, code, reason);
  }

  leave(tabPort: TabPort, code: number, reason: string): void {
    if (this.#leaving.delete(tabPort)) tabPort.over();
    if (!this.#tabPorts.has(tabPort)) return;
    if (!this.#hasOthers(tabPort)) this.#closeWith(tabPort, code, reason);
    this.#remove(tabPort);
    tabPort.over();
    if (tabPort.unsettled > 0) this.#whenCertain(tabPort);
  }

  #again(tabPort: TabPort): void {
    tabPort.isBehind = false;
    if (this.#client.isConnectionOpen()) this.#fanOut.begin(tabPort, JOINED);
  }

  #whenCertain(tabPort: TabPort, call?: () => void): void {
    const { tab } = tabPort.join;
    this.#uncertain.set(tab, tabPort);
    tabPort.whenSettled(() => {
      this.#uncertain.delete(tab);
      call?.();
    });
  }

  #hasOthers(tabPort: TabPort): boolean {
    return this.#tabPorts.size > (this.#tabPorts.has(tabPort) ? 1 : 0);
  }

  /** What it sent is sent, and nobody waits for it any more. */
  #remove(tabPort: TabPort): void {
    this.#tabPorts.delete(tabPort);
    this.#fairQueue.inherit(tabPort);
    this.#fairQueue.pump();
    this.#addressResolver.left(tabPort);
    this.#fanOut.judge();
  }

  #closeWith(tabPort: TabPort, code: number, reason: string): void {
    this.#ended();
    if (tabPort.isLeaving) return;
    tabPort.isLeaving = true;
    // All that was accepted; the client sends it before its close frame.
    const { state } = this.#client;
    if (state === 'open' || (this.#hasSession && state === 'reconnecting')) this.#fairQueue.flush();
    void this.#client.close(code, reason);
  }

  /** Its first attempt was its last. With the last member goes the connection, and nothing more of what it sent. */
  #fail(tabPort: TabPort, info: CloseInfo, error: WebsocketError | undefined): void {
    const isLast = !this.#hasOthers(tabPort);
    this.#tabPorts.delete(tabPort);
    if (isLast) this.#closeWith(tabPort, CloseCode.normal, '');
    else this.#remove(tabPort);
    this.#end(tabPort, info, error);
  }

  #end(tabPort: TabPort, info: CloseInfo, error: WebsocketError | undefined): void {
    tabPort.closed(info, error, this.#addressResolver.askOf(tabPort, error));
  }

  #listen(): void {
    const client = this.#client;
    client.on('state', (now) => {
      if (now === 'reconnecting') this.#tellPatient((tabPort) => tabPort.post({ is: 'broken' }));
    });
    client.on('error', (error) => {
      if (client.state === 'closed' && error.code !== 'UNSENT') this.#cause = error;
      else this.#tellPatient((tabPort) => tabPort.post({ is: 'failed', error: carry(error) }));
    });
    client.on('reconnecting', (attempt) => this.#retrying(attempt));
    client.on('open', () => this.#opened(JOINED));
    client.on('reconnected', (continuity) => this.#opened(continuity));
    client.on('undelivered', (messages) => this.#fairQueue.returned(messages));
    client.on('close', (info) => this.#closed(info));
  }

  #tell(tell: (tabPort: TabPort) => void): void {
    for (const tabPort of [...this.#tabPorts]) tell(tabPort);
  }

  #tellPatient(tell: (tabPort: TabPort) => void): void {
    this.#tell((tabPort) => tabPort.isPatient && tell(tabPort));
  }

  #opened(continuity: Continuity): void {
    if (!continuity.resumed) this.#fanOut.beginEpoch();
    this.#tell((tabPort) => this.#fanOut.begin(tabPort, continuity));
    this.#fairQueue.pump();
  }

  #retrying({ attempt, delayMs, cause }: ReconnectAttempt): void {
    const error = cause instanceof WebsocketError ? cause : undefined;
    const info = error === undefined ? (cause as CloseInfo) : abnormalClose(error.message);
    this.#tell((tabPort) => {
      if (tabPort.isPatient) {
        const carried: CarriedCause = error === undefined ? { info } : { error: carry(error, this.#addressResolver.askOf(tabPort, error)) };
        tabPort.post({ is: 'retrying', attempt, delayMs, cause: carried });
      } else this.#fail(tabPort, info, error);
    });
  }

  #closed(info: CloseInfo): void {
    this.#ended();
    this.#fanOut.end();
    for (const tabPort of [...this.#tabPorts, ...this.#leaving]) this.#end(tabPort, info, this.#cause);
    this.#tabPorts.clear();
    this.#leaving.clear();
  }
}
