import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Emitter } from '../core/emitter.js';
import type { LimitedLog } from './log.js';
import type { Metrics } from './metrics.js';
import type { ServerSettings } from './options.js';
import { addressOf, hostNameOf, originOf, pathOf, targetOf } from './request.js';
import type { RefusalReason, Refused, ServerEvents } from './types.js';

export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: number;
  /** Advice for a person at the client. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * Answers a request and closes the socket. Never throws, whatever state the socket is in.
 *
 * @returns false if the client has already disconnected.
 */
function refuse(socket: Duplex, { status, text, headers }: Refusal): boolean {
  socket.on('error', ignore);
  if (!socket.writable) {
    socket.destroy();
    return false;
  }
  const body = `${text}\n`;
  const lines = Object.entries({
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  return true;
}

export function ignore(): void {}

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

  /** Answers the request if the client is still connected. */
  refuse(socket: Duplex, refusal: Refusal, request?: IncomingMessage): void {
    const { reason, cause } = refusal;
    const remoteAddress = addressOf(socket, this.#settings.trustedProxies, request);
    const status = refuse(socket, refusal) ? refusal.status : 0;
    this.#report({ reason, status, remoteAddress, cause }, request);
  }

  /** ws has answered an invalid handshake, or has destroyed a socket whose peer disconnected; it does not say which. */
  refusedByWs(request: IncomingMessage, socket: Duplex, remoteAddress: string): void {
    if (socket.destroyed) this.unanswered('gone', remoteAddress);
    else this.#report({ reason: 'request', status: request.method === 'GET' ? 400 : 405, remoteAddress, cause: undefined });
  }

  unanswered(reason: RefusalReason, remoteAddress: string, cause?: unknown, request?: IncomingMessage): void {
    this.#report({ reason, status: 0, remoteAddress, cause }, request);
  }

  /** Without a listener, the log has a line for each reason and minute. */
  #report(refused: Refused, request?: IncomingMessage): void {
    const { reason } = refused;
    this.#metrics.refused(reason);
    if (this.#events.has('refused')) this.#events.emit('refused', refused);
    else if (!isOrdinary(reason)) {
      this.#log.note(`handshakes refused (${reason})`, 1, () => refusalLine(refused, request, this.#settings));
    }
  }
}

/** Longest text of a peer or an error in a line of the log. Control characters, which a terminal would obey, are replaced. */
const MAX_LENGTH = 200;

/** The client disconnected, or the server closes: there is nothing to correct, and no line in the log. */
function isOrdinary(reason: RefusalReason): boolean {
  return reason === 'gone' || reason === 'closing';
}

/** Advice for the operator. */
function refusalLine(refused: Refused, request: IncomingMessage | undefined, settings: ServerSettings): string {
  const status = refused.status === 0 ? 'no answer' : refused.status;
  return `refused ${refused.remoteAddress} (${refused.reason}, ${status}): ${adviceOn(refused, request, settings)}`;
}

function adviceOn({ reason, cause }: Refused, request: IncomingMessage | undefined, settings: ServerSettings): string {
  switch (reason) {
    case 'origin':
      return adviceOnOrigin(request?.headers.origin ?? '', settings);
    case 'host':
      return adviceOnHost(request, settings);
    case 'path':
      return `no WebSocket is served at ${quoted(request === undefined ? '' : pathOf(request))}, only at ${quoted(settings.path ?? '/')}. Correct the client's address or the option path.`;
    case 'full':
      return `the server is full. maxClients is ${settings.maxClients}: raise it if the machine has memory for more.`;
    case 'address':
      return `the address has as many connections as maxClientsPerAddress (${settings.maxClientsPerAddress}) allows. Raise it if many people share an address. Behind a proxy, set trustedProxies.`;
    case 'auth':
      return cause === undefined ? 'authenticate returned undefined.' : `authenticate threw ${described(cause)}`;
    case 'request':
      return 'the request is not an opening handshake. Make sure that only WebSocket clients connect to this port.';
    default:
      return `the handshake took longer than handshakeTimeoutMs (${settings.handshakeTimeoutMs}). Raise it if authenticate needs more time.`;
  }
}

function adviceOnOrigin(origin: string, { origins }: ServerSettings): string {
  const isOrigin = origin === 'null' || origin === 'file://' || originOf(origin) === origin;
  if (!isOrigin) return 'the Origin header has no valid origin.';
  const advice = origins === undefined ? `set the option origins: [${quoted(origin)}]` : `add ${quoted(origin)} to the option origins`;
  return `a page of ${quoted(origin)} asked to connect. If the page is yours, ${advice}`;
}

function adviceOnHost(request: IncomingMessage | undefined, { hosts }: ServerSettings): string {
  const name = hostNameOf(request && targetOf(request).host);
  if (name === undefined) return 'the Host header has no valid host.';
  const advice = hosts === undefined ? `set the option hosts: [${quoted(name)}]` : `add ${quoted(name)} to the option hosts`;
  return `a page asked to connect by the host name ${quoted(name)}. If the name is yours, as behind a proxy that forwards it, ${advice}`;
}

function described(cause: unknown): string {
  return cause instanceof Error ? quoted(`${cause.name}: ${cause.message}`) : 'a value that is not an Error.';
}

function quoted(text: string): string {
  const printable = text.slice(0, MAX_LENGTH).replace(/[^\x20-\x7e]|'/g, '?');
  return `'${printable}'`;
}
