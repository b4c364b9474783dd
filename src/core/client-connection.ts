import type { Channel, ChannelSink } from './channel.js';
import type { WebsocketError } from './errors.js';
import type { Extension, RecordPort } from './extension.js';
import type { InboxSource } from './inbox.js';
import type { LifecycleListener } from './platform.js';
import type { CloseInfo, ConnectionState, Continuity, Message, ReconnectAttempt } from './types.js';

/** What happens to a connection, reported in order. A report never comes in the middle of another. */
export interface ConnectionReports {
  stateChanged(now: ConnectionState, before: ConnectionState): void;
  opened(isFirst: boolean, continuity: Continuity): void;
  retrying(attempt: ReconnectAttempt): void;
  failed(error: WebsocketError): void;
  closed(info: CloseInfo, cause: WebsocketError | undefined): void;
  undelivered(messages: readonly Message[]): void;
}

/** The owner of a connection. It gets messages and counts at once, and reports in order. */
export interface ConnectionOwner extends ChannelSink, ConnectionReports {}

/** The connection of a client: its own, or one that represents a connection in a shared worker. */
export interface ClientConnection extends LifecycleListener, InboxSource {
  readonly state: ConnectionState;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  readonly channel: Pick<Channel, 'bufferedBytes' | 'send' | 'end'>;
  /** The extension of this name, made the first time; undefined for a plain connection. */
  extension?<E extends Extension>(name: string, make: (port: RecordPort) => E): E | undefined;
  connect(): void;
  /** @param isFinal close over the current transport only: a disconnected session is not resumed to deliver the rest. */
  close(code: number, reason: string, isFinal?: boolean): void;
  /** Starts the next attempt now, if the connection waits for it. */
  retryNow(): void;
  /** Ends the connection for good, without waiting for an answer. */
  terminate(info: CloseInfo, error: WebsocketError | undefined): void;
}

/**
 * Reports what has happened, after it has happened. A listener may call back into the connection, and so change
 * its state at once; the reports of that change follow the present one.
 */
export class Reports {
  readonly #listener: ConnectionReports;
  #waiting: ((listener: ConnectionReports) => void)[] = [];
  #isReporting = false;

  constructor(listener: ConnectionReports) {
    this.#listener = listener;
  }

  /** Reports with the next `flush`. */
  add(report: (listener: ConnectionReports) => void): void {
    this.#waiting.push(report);
  }

  addError(error: WebsocketError | undefined): void {
    if (error !== undefined) this.add((listener) => listener.failed(error));
  }

  /** Reports now, or after the present report. */
  tell(report: (listener: ConnectionReports) => void): void {
    this.add(report);
    this.flush();
  }

  flush(): void {
    if (this.#isReporting) return;
    this.#isReporting = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next(this.#listener);
    // An array that was used keeps its memory.
    this.#waiting = [];
    this.#isReporting = false;
  }
}
