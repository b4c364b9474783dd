import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Emitter } from '../core/emitter.js';
import type { LimitedLog } from './limited-log.js';
import type { Metrics } from './metrics.js';
import type { ServerSettings } from './options.js';
import { type Refusal, type RefusalReason, refuse } from './refusal.js';
import { isOrdinary, refusalLine } from './refusal-line.js';
import type { Refused, ServerEvents } from './types.js';

/** Every handshake that did not become a client: answered, counted, and reported. */
export class Refusals {
  readonly #settings: ServerSettings;
  readonly #metrics: Metrics;
  readonly #events: Emitter<ServerEvents>;
  readonly #log: LimitedLog;

  constructor(settings: ServerSettings, metrics: Metrics, events: Emitter<ServerEvents>, log: LimitedLog) {
    this.#settings = settings;
    this.#metrics = metrics;
    this.#events = events;
    this.#log = log;
  }

  /** With an answer where somebody is there to read it. */
  refuse(socket: Duplex, refusal: Refusal, request?: IncomingMessage): void {
    const { reason, cause } = refusal;
    const remoteAddress = addressOf(socket);
    const status = refuse(socket, refusal) ? refusal.status : 0;
    this.#report({ reason, status, remoteAddress, cause }, request);
  }

  /** ws has answered what is no handshake, or has dropped a socket that is no longer there, and does not say which. */
  refusedByWs(request: IncomingMessage, socket: Duplex, remoteAddress: string): void {
    if (socket.destroyed) this.unanswered('gone', remoteAddress);
    else this.#report({ reason: 'request', status: request.method === 'GET' ? 400 : 405, remoteAddress, cause: undefined });
  }

  unanswered(reason: RefusalReason, remoteAddress: string, cause?: unknown, request?: IncomingMessage): void {
    this.#report({ reason, status: 0, remoteAddress, cause }, request);
  }

  /** Where nobody listens, the log has a line for each reason and minute. */
  #report(refused: Refused, request?: IncomingMessage): void {
    const { reason } = refused;
    this.#metrics.refused(reason);
    if (this.#events.has('refused')) this.#events.emit('refused', refused);
    else if (!isOrdinary(reason)) {
      this.#log.note(`handshakes refused (${reason})`, 1, () => refusalLine(refused, request, this.#settings));
    }
  }
}

export function addressOf(socket: Duplex): string {
  return (socket as Partial<Socket>).remoteAddress ?? '';
}
