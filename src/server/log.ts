import type { Emitter } from '../core/emitter.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { nodePlatform } from '../platform/node/platform.js';
import type { AcceptedClient } from './accepted-client.js';
import type { Metrics } from './metrics.js';
import type { ServerEvents } from './types.js';

const MINUTE_MS = 60_000;

interface Topic {
  lines: number;
  more: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * The operator's log of events that peers cause. A topic has a limited number of lines a minute; further events are counted, and
 * the count is written at the end of the minute.
 */
export class LimitedLog {
  readonly #write: (line: string) => void;
  readonly #topics = new Map<string, Topic>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  note(topic: string, linesPerMinute: number, line: () => string): void {
    const entry = this.#topics.get(topic) ?? this.#begin(topic);
    if (entry.lines === linesPerMinute) entry.more += 1;
    else {
      entry.lines += 1;
      this.#write(line());
    }
  }

  /** Writes the remaining counts. */
  close(): void {
    for (const topic of [...this.#topics.keys()]) this.#end(topic);
  }

  #begin(topic: string): Topic {
    const timer = setTimeout(() => this.#end(topic), MINUTE_MS);
    timer.unref();
    const entry: Topic = { lines: 0, more: 0, timer };
    this.#topics.set(topic, entry);
    return entry;
  }

  #end(topic: string): void {
    const entry = this.#topics.get(topic);
    this.#topics.delete(topic);
    clearTimeout(entry?.timer);
    if (entry !== undefined && entry.more > 0) this.#write(`${entry.more} more within a minute: ${topic}.`);
  }
}

/** Errors of a client about bounds that the operator can raise. */
const BOUNDS: readonly string[] = ['MESSAGE_TOO_BIG', 'RATE_LIMITED'];

/** A line names one client, so there are several; an attack must not fill the log, so there are few. */
const CLIENTS_PER_MINUTE = 10;

/** Errors of the server and its clients: each is an `error` event, or goes to the log if the server has no listener. */
export class ErrorReports {
  readonly #events: Emitter<ServerEvents>;
  readonly #metrics: Metrics;
  readonly #log: LimitedLog;

  constructor(events: Emitter<ServerEvents>, metrics: Metrics, log: LimitedLog) {
    this.#events = events;
    this.#metrics = metrics;
    this.#log = log;
  }

  report(error: WebsocketError): void {
    if (this.#events.has('error')) this.#events.emit('error', error);
    else nodePlatform.report(error);
  }

  handlerFailed(cause: unknown, handler: string): void {
    const error = makeError('HANDLER_FAILED', { handler }, cause);
    if (handler === 'error') nodePlatform.report(error);
    else this.report(error);
  }

  /**
   * Unsent messages are only counted, because clients often leave while messages are on their way. Other errors are logged once
   * for each client and code and then counted, because a peer can cause any number of them.
   */
  ofClient(client: AcceptedClient, error: WebsocketError): void {
    if (error.code === 'UNSENT') return;
    if (this.#events.has('error') || client.isFirstToLog(error.code)) this.report(error);
    else this.#metrics.notLogged();
  }

  /** An error of a client's connection that the client's `close` event reports as well. */
  ofConnection({ id, request }: AcceptedClient, { code, message }: WebsocketError): void {
    if (!BOUNDS.includes(code)) return;
    this.#log.note(`clients closed (${code})`, CLIENTS_PER_MINUTE, () => `client ${id} (${request.remoteAddress}): ${message}`);
  }
}
