import type { Client } from '../core/client.js';
import * as CloseCode from '../core/close-codes.js';
import { abnormalClose } from '../core/close-codes.js';
import { WebsocketError } from '../core/errors.js';
import type { RecordRelay } from '../core/extension.js';
import type { CloseInfo, Continuity, ReconnectAttempt } from '../core/types.js';
import { whatwgCloseCode } from '../core/whatwg-transport.js';
import { AddressResolver } from './address-exchange.js';
import { FairQueue } from './fair-queue.js';
import { FanOut } from './fan-out.js';
import { type HubClientEnvironment, makeHubClient } from './hub-client.js';
import { type CarriedCause, carry, type Join, type ToHub } from './posts.js';
import type { TabPort } from './tab-port.js';

/** The receipt of a tab that joins an open connection. */
const JOINED: Continuity = { resumed: false, replayed: 0, lost: undefined, reason: 'The connection was open already.' };

/** One physical connection and the clients that share it: adds and removes clients, and reports the connection's events to them. */
export class SharedConnection {
  readonly #wake: () => void;
  readonly #hasSession: boolean;
  readonly #tabPorts = new Set<TabPort>();
  /** Clients that have closed, until all their messages are handed on or acknowledged. */
  readonly #leaving = new Set<TabPort>();
  /** Earlier ports of tabs, with messages that are neither handed on nor acknowledged yet. */
  readonly #unsettled = new Map<string, TabPort>();
  readonly #addressResolver = new AddressResolver(this.#tabPorts);
  readonly #client: Client;
  readonly #fanOut: FanOut;
  readonly #fairQueue: FairQueue;
  readonly #relay: RecordRelay | undefined;
  readonly #ended: () => void;
  #cause: WebsocketError | undefined;

  /** @param ended called when no client can join any more. */
  constructor(join: Join, environment: HubClientEnvironment, ended: () => void) {
    this.#hasSession = join.session !== undefined;
    this.#ended = ended;
    const { client, wake } = makeHubClient(join, environment, {
      address: () => this.#addressResolver.address(),
      isVisible: () => [...this.#tabPorts].some((tabPort) => tabPort.isVisible),
      measured: (rttMs) => this.#report((tabPort) => tabPort.post({ is: 'measured', rttMs })),
      acknowledged: (messages) => this.#fairQueue.acknowledged(messages),
    });
    this.#client = client;
    this.#relay = environment.makeRelay(client);
    this.#wake = wake;
    this.#fairQueue = new FairQueue(client, this.#tabPorts, this.#hasSession);
    this.#listen();
    this.#fanOut = new FanOut(client, this.#tabPorts, {
      platform: environment.platform,
      canHold: this.#hasSession,
      relay: this.#relay,
    });
  }

  add(tabPort: TabPort): void {
    const { state } = this.#client;
    this.#tabPorts.add(tabPort);
    // A tab that joins again settles the messages of its earlier port first: `opened` settles those that are left.
    const earlier = this.#unsettled.get(tabPort.join.tab);
    if (earlier !== undefined) {
      tabPort.isBehind = true;
      this.#whenSettled(earlier, () => this.#resume(tabPort));
    }
    if (state === 'idle')
      this.#client.connect().catch(() => {}); // reported by events
    else if (state === 'open') this.#fanOut.begin(tabPort, JOINED);
    else this.#wake();
  }

  /** To be called after clients have sent. */
  pump(): void {
    this.#fairQueue.pump();
  }

  /** The tab is visible or online; or it had fallen behind, and receives again. */
  wake(tabPort: TabPort): void {
    this.#wake();
    if (tabPort.isBehind && !this.#unsettled.has(tabPort.join.tab)) this.#resume(tabPort);
  }

  taken(tabPort: TabPort, bytes: number): void {
    tabPort.taken(bytes);
    this.#fanOut.update();
  }

  record(tabPort: TabPort, { kind, body }: ToHub & { is: 'record' }): void {
    this.#relay?.fromTab(tabPort, kind, body);
  }

  answered(tabPort: TabPort, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    this.#addressResolver.answered(tabPort, answer);
  }

  /** The client is closed once all its messages are settled; the last one, when the connection is. */
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
    if (this.#leaving.delete(tabPort)) tabPort.end();
    if (!this.#tabPorts.has(tabPort)) return;
    if (!this.#hasOthers(tabPort)) this.#closeWith(tabPort, code, reason);
    this.#remove(tabPort);
    tabPort.end();
    if (tabPort.unsettled > 0) this.#whenSettled(tabPort);
  }

  #resume(tabPort: TabPort): void {
    tabPort.isBehind = false;
    if (this.#client.isConnectionOpen()) this.#fanOut.begin(tabPort, JOINED);
  }

  #whenSettled(tabPort: TabPort, call?: () => void): void {
    const { tab } = tabPort.join;
    this.#unsettled.set(tab, tabPort);
    tabPort.whenSettled(() => {
      this.#unsettled.delete(tab);
      call?.();
    });
  }

  #hasOthers(tabPort: TabPort): boolean {
    return this.#tabPorts.size > (this.#tabPorts.has(tabPort) ? 1 : 0);
  }

  /** Its messages are still sent. */
  #remove(tabPort: TabPort): void {
    this.#tabPorts.delete(tabPort);
    this.#relay?.left(tabPort);
    this.#fairQueue.inherit(tabPort);
    this.#fairQueue.pump();
    this.#addressResolver.left(tabPort);
    this.#fanOut.update();
  }

  #closeWith(tabPort: TabPort, code: number, reason: string): void {
    this.#ended();
    if (tabPort.isLeaving) return;
    tabPort.isLeaving = true;
    // The client sends all accepted messages before its close frame.
    const { state } = this.#client;
    if (state === 'open' || (this.#hasSession && state === 'reconnecting')) this.#fairQueue.flush();
    void this.#client.close(code, reason);
  }

  /** A first attempt that is not retried. For the last client the connection closes, and its messages are not sent. */
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
      if (now === 'reconnecting') this.#reportToRetrying((tabPort) => tabPort.post({ is: 'disconnected' }));
    });
    client.on('error', (error) => {
      if (client.state === 'closed' && error.code !== 'UNSENT') this.#cause = error;
      else this.#reportToRetrying((tabPort) => tabPort.post({ is: 'failed', error: carry(error) }));
    });
    client.on('reconnecting', (attempt) => this.#retrying(attempt));
    client.on('open', () => this.#opened(JOINED));
    client.on('reconnected', (continuity) => this.#opened(continuity));
    client.on('undelivered', (messages) => this.#fairQueue.returned(messages));
    client.on('close', (info) => this.#closed(info));
  }

  #report(report: (tabPort: TabPort) => void): void {
    for (const tabPort of [...this.#tabPorts]) report(tabPort);
  }

  #reportToRetrying(report: (tabPort: TabPort) => void): void {
    this.#report((tabPort) => tabPort.retriesNow && report(tabPort));
  }

  #opened(continuity: Continuity): void {
    if (!continuity.resumed) this.#fanOut.beginEpoch();
    this.#report((tabPort) => this.#fanOut.begin(tabPort, continuity));
    this.#fairQueue.pump();
  }

  #retrying({ attempt, delayMs, cause }: ReconnectAttempt): void {
    const error = cause instanceof WebsocketError ? cause : undefined;
    const info = error === undefined ? (cause as CloseInfo) : abnormalClose(error.message);
    this.#report((tabPort) => {
      if (tabPort.retriesNow) {
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
