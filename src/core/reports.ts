import type { WebsocketError } from './errors.js';
import { type Effect, publicState, type State } from './state.js';
import type { CloseInfo, ConnectionState, Continuity, Message, ReconnectAttempt } from './types.js';

/** What happens to a connection, told in order. A report never comes in the middle of another. */
export interface ReportHost {
  stateChanged(now: ConnectionState, before: ConnectionState): void;
  opened(isFirst: boolean, continuity: Continuity): void;
  retrying(attempt: ReconnectAttempt): void;
  failed(error: WebsocketError): void;
  closed(info: CloseInfo, cause: WebsocketError | undefined): void;
  undelivered(messages: readonly Message[]): void;
}

/**
 * Tells the host what has happened, after it has happened. A listener may call back into the connection, and so change
 * its state at once; what that brings about is told after the present report.
 */
export class Reports {
  readonly #host: ReportHost;
  readonly #waiting: (() => void)[] = [];
  #isTelling = false;

  constructor(host: ReportHost) {
    this.#host = host;
  }

  addState(before: State, state: State): void {
    const [was, now] = [publicState(before), publicState(state)];
    if (was !== now) this.#waiting.push(() => this.#host.stateChanged(now, was));
  }

  add(effect: Effect, continuity: Continuity | undefined): void {
    const host = this.#host;
    switch (effect.do) {
      case 'reportOpened':
        this.#waiting.push(() => host.opened(effect.isFirst, continuity as Continuity));
        break;
      case 'reportError':
        this.#waiting.push(() => host.failed(effect.error));
        break;
      case 'reportRetry': {
        const { attempt, delayMs, cause } = effect;
        this.#waiting.push(() => host.retrying({ attempt, delayMs, cause }));
        break;
      }
      case 'reportClosed':
        this.#waiting.push(() => host.closed(effect.info, effect.cause));
        break;
    }
  }

  tell(report: (host: ReportHost) => void): void {
    this.#waiting.push(() => report(this.#host));
    this.flush();
  }

  flush(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    this.#isTelling = false;
  }
}
