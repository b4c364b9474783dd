import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ServerSettings } from './options.js';
import type { Refusal, Refusals } from './refusals.js';
import { addressOf, hostNameOf, pathOf, targetOf } from './request.js';

/** Seconds until a client should try again: a full server loses a client in about that time. */
const RETRY_AFTER_S = '5';

export function servesPath(settings: ServerSettings, request: IncomingMessage): boolean {
  return settings.path === undefined || pathOf(request) === settings.path;
}

export const wrongPath: Refusal = { reason: 'path', status: 404, text: 'No WebSocket is served at this path.' };

export const isClosing: Refusal = {
  reason: 'closing',
  status: 503,
  text: 'The server is shutting down.',
  headers: { 'Retry-After': RETRY_AFTER_S },
};

export const tookTooLong: Refusal = { reason: 'timeout', status: 408, text: 'The handshake took too long.' };

export const notHttp: Refusal = { reason: 'request', status: 400, text: 'This is not an HTTP request.' };

export const headersTooLarge: Refusal = { reason: 'request', status: 431, text: 'The headers of the request are too large.' };

const isFull: Refusal = { reason: 'full', status: 503, text: 'The server is full.', headers: { 'Retry-After': RETRY_AFTER_S } };

export const tooManyOfAddress: Refusal = {
  reason: 'address',
  status: 429,
  text: 'This address has too many connections.',
  headers: { 'Retry-After': RETRY_AFTER_S },
};

/** The only version of RFC 6455 (4.1). ws also accepts version 8, that of a draft. */
const PROTOCOL_VERSION = '13';

const wrongVersion: Refusal = {
  reason: 'request',
  status: 426,
  text: `This server supports only version ${PROTOCOL_VERSION} of the WebSocket protocol (RFC 6455).`,
  headers: { Connection: 'close, Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': PROTOCOL_VERSION },
};

const notHttp11: Refusal = { reason: 'request', status: 400, text: 'An opening handshake must be an HTTP/1.1 request with a Host header.' };

/** The checks of RFC 6455 (4.2.1) that ws omits. */
export function checkHandshake({ httpVersion, headers }: IncomingMessage): Refusal | undefined {
  if (httpVersion !== '1.1' || headers.host === undefined) return notHttp11;
  const version = headers['sec-websocket-version'];
  return version === undefined || version === PROTOCOL_VERSION ? undefined : wrongVersion;
}

/** The checks that do not need the application. */
export function checkRequest(settings: ServerSettings, request: IncomingMessage, hasRoom: boolean): Refusal | undefined {
  return checkPage(settings, request) ?? (hasRoom ? undefined : isFull);
}

/** Handshakes for which `authenticate` has not answered; each may still become a client. */
export class PendingHandshakes {
  readonly #settings: ServerSettings;
  readonly #refusals: Refusals;
  readonly #requests = new Map<Duplex, IncomingMessage>();

  constructor(settings: ServerSettings, refusals: Refusals) {
    this.#settings = settings;
    this.#refusals = refusals;
  }

  get count(): number {
    return this.#requests.size;
  }

  /** Undefined if the handshake is over: refused, past its deadline, or ended by the client or the server. */
  async authenticate(request: IncomingMessage, socket: Duplex): Promise<{ readonly user: unknown } | undefined> {
    const remoteAddress = addressOf(socket, this.#settings.trustedProxies, request);
    const gone = () => {
      if (this.#requests.delete(socket)) this.#refusals.unanswered('gone', remoteAddress);
    };
    this.#requests.set(socket, request);
    socket.once('close', gone);
    const answer = await authenticate(this.#settings, request);
    socket.off('close', gone);
    if (!this.#requests.delete(socket)) return undefined;
    if ('user' in answer) return answer;
    this.#refusals.refuse(socket, answer, request);
    return undefined;
  }

  /** Ends a handshake, pending or not. */
  refuse(socket: Duplex, refusal: Refusal, request = this.#requests.get(socket)): void {
    this.#requests.delete(socket);
    this.#refusals.refuse(socket, refusal, request);
  }

  refuseAll(refusal: Refusal): void {
    for (const socket of this.#requests.keys()) this.refuse(socket, refusal);
  }
}

/** Asks the application for the user. Has no deadline of its own. */
async function authenticate(settings: ServerSettings, request: IncomingMessage): Promise<{ user: unknown } | Refusal> {
  const refusal: Refusal = { reason: 'auth', status: 401, text: 'This server requires authentication.' };
  try {
    const user = await settings.authenticate?.(request);
    return user === undefined ? refusal : { user };
  } catch (cause) {
    return { ...refusal, cause };
  }
}

const wrongOrigin: Refusal = {
  reason: 'origin',
  status: 403,
  text: "Pages of this origin may not connect. The server's option origins lists the allowed origins.",
};

const wrongHost: Refusal = {
  reason: 'host',
  status: 403,
  text: "Pages may not connect by this host name. The server's option hosts lists the allowed names.",
};

const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.|^::1$/;
const LOOPBACK_NAME = /^(?:(?:.+\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * A browser sends the origin of the page with every handshake, and a page cannot forge it. A client without an Origin header is not a
 * browser. These checks protect the user of a browser, whose cookies and network a page could use (RFC 6455, 10.2).
 */
function checkPage(settings: ServerSettings, request: IncomingMessage): Refusal | undefined {
  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  if (!isOriginAllowed(settings.origins, origin, request)) return wrongOrigin;
  return isHostAllowed(settings, request) ? undefined : wrongHost;
}

function isOriginAllowed(origins: ServerSettings['origins'], origin: string, request: IncomingMessage): boolean {
  if (origins === '*') return true;
  return origins === undefined ? isSameHost(origin, request) : origins.includes(origin);
}

/** A Host header without a port means the port of the scheme. Without TLS, a proxy may use either scheme: the page's is assumed. */
function isSameHost(origin: string, request: IncomingMessage): boolean {
  const isEncrypted = (request.socket as Partial<TLSSocket>).encrypted === true;
  try {
    const page = new URL(origin);
    if (page.protocol !== 'http:' && page.protocol !== 'https:') return false;
    const here = new URL(`${isEncrypted ? 'https:' : page.protocol}//${targetOf(request).host}`);
    return page.hostname === here.hostname && portOf(page) === portOf(here);
  } catch {
    return false;
  }
}

function portOf(url: URL): string {
  if (url.port !== '') return url.port;
  return url.protocol === 'https:' ? '443' : '80';
}

/**
 * Protects against DNS rebinding: an attacker's domain resolves to a loopback address, so that a page of that domain has the same
 * origin as a server there. A list of `origins` refuses such pages; without a list, the host must be a loopback name.
 */
function isHostAllowed({ hosts, origins }: ServerSettings, request: IncomingMessage): boolean {
  const isLoopback = LOOPBACK_ADDRESS.test(request.socket.localAddress ?? '');
  if (hosts === '*' || (hosts === undefined && (!isLoopback || origins !== undefined))) return true;
  const name = hostNameOf(targetOf(request).host) ?? '';
  return (isLoopback && LOOPBACK_NAME.test(name)) || hosts?.includes(name) === true;
}
