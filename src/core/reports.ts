import type { WebsocketError } from './errors.js';
import { type Effect, publicState, type State } from './state.js';
import type { CloseInfo, ConnectionState, Continuity, Message, ReconnectAttempt } from './types.js';

/** What happens to a connection, told in order. A report never comes in the middle of another. */
export interface ReportEvents {
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
  readonly #events: ReportEvents;
  readonly #waiting: (() => void)[] = [];
  #isTelling = false;

  constructor(events: ReportEvents) {
    this.#events = events;
  }

  addState(before: State, state: State): void {
    const [was, now] = [publicState(before), publicState(state)];
    if (was !== now) this.#waiting.push(() => this.#events.stateChanged(now, was));
  }

  add(effect: Effect, continuity: Continuity | undefined): void {
    const events = this.#events;
    switch (effect.do) {
      case 'reportOpened':
        this.#waiting.push(() => events.opened(effect.isFirst, continuity as Continuity));
        break;
      case 'reportError':
        this.#waiting.push(() => events.failed(effect.error));
        break;
      case 'reportRetry': {
        const { attempt, delayMs, cause } = effect;
        this.#waiting.push(() => events.retrying({ attempt, delayMs, cause }));
        break;
      }
      case 'reportClosed':
        this.#waiting.push(() => events.closed(effect.info, effect.cause));
        break;
    }
  }

  tell(report: (events: ReportEvents) => void): void {
    this.#waiting.push(() => report(this.#events));
    this.flush();
  }

  flush(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next();
    this.#isTelling = false;
  }
}
