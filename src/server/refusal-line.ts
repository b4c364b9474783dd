import type { IncomingMessage } from 'node:http';
import { originOf, type ServerSettings } from './options.js';
import type { RefusalReason } from './refusal.js';
import { hostNameOf, pathOf, targetOf } from './target.js';
import type { Refused } from './types.js';

/** Text of a peer's, or of an error, in a line of the log: no more of it, and nothing that a terminal obeys. */
const MAX_LENGTH = 200;

/** Clients leave and servers close: nothing is to be corrected, and there is no line for it. */
export function isOrdinary(reason: RefusalReason): boolean {
  return reason === 'gone' || reason === 'closing';
}

/** Says what the operator can do about a refusal. */
export function refusalLine(refused: Refused, request: IncomingMessage | undefined, settings: ServerSettings): string {
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
      return `the server has no place left. maxClients is ${settings.maxClients}: raise it if the machine has room for more.`;
    case 'auth':
      return cause === undefined ? 'authenticate returned undefined.' : `authenticate threw ${described(cause)}`;
    case 'request':
      return 'this is no opening handshake of a WebSocket. Is something else than a WebSocket client directed at this port?';
    default:
      return `the handshake took longer than handshakeTimeoutMs (${settings.handshakeTimeoutMs}). If authenticate takes so long, raise it.`;
  }
}

function adviceOnOrigin(origin: string, { origins }: ServerSettings): string {
  const isOrigin = origin === 'null' || origin === 'file://' || originOf(origin) === origin;
  if (!isOrigin) return 'the Origin header has no origin in it.';
  const advice = origins === undefined ? `set the option origins: [${quoted(origin)}]` : `add ${quoted(origin)} to the option origins`;
  return `a page of ${quoted(origin)} asked to connect. If the page is yours, ${advice}`;
}

function adviceOnHost(request: IncomingMessage | undefined, { hosts }: ServerSettings): string {
  const name = hostNameOf(request && targetOf(request).host);
  if (name === undefined) return 'the Host header has no host in it.';
  const advice = hosts === undefined ? `set the option hosts: [${quoted(name)}]` : `add ${quoted(name)} to the option hosts`;
  return `a page asked to connect by the host name ${quoted(name)}. If the name is yours, as behind a proxy that forwards it, ${advice}`;
}

function described(cause: unknown): string {
  return cause instanceof Error ? quoted(`${cause.name}: ${cause.message}`) : 'what is no Error.';
}

function quoted(text: string): string {
  const printable = text.slice(0, MAX_LENGTH).replace(/[^\x20-\x7e]|'/g, '?');
  return `'${printable}'`;
}
