import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ServerSettings } from './options.js';
import type { Refusal } from './refusals.js';
import { hostNameOf, pathOf, targetOf } from './target.js';

/** Seconds after which a client may ask again: about as long as a full server takes to lose a client. */
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

export const notHttp: Refusal = { reason: 'request', status: 400, text: 'This is no HTTP request.' };

export const headersTooLarge: Refusal = { reason: 'request', status: 431, text: 'The headers of the request are too large.' };

const isFull: Refusal = { reason: 'full', status: 503, text: 'The server is full.', headers: { 'Retry-After': RETRY_AFTER_S } };

/** The only version of RFC 6455 (4.1). ws would take 8 as well, a draft's. */
const PROTOCOL_VERSION = '13';

const wrongVersion: Refusal = {
  reason: 'request',
  status: 426,
  text: `This server speaks version ${PROTOCOL_VERSION} of the WebSocket protocol (RFC 6455) and no other.`,
  headers: { Connection: 'close, Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': PROTOCOL_VERSION },
};

const notHttp11: Refusal = { reason: 'request', status: 400, text: 'An opening handshake is a request of HTTP/1.1, with a Host header.' };

/** What RFC 6455 (4.2.1) has a server look at and ws does not; the rest is left to ws. */
export function checkHandshake({ httpVersion, headers }: IncomingMessage): Refusal | undefined {
  if (httpVersion !== '1.1' || headers.host === undefined) return notHttp11;
  const version = headers['sec-websocket-version'];
  return version === undefined || version === PROTOCOL_VERSION ? undefined : wrongVersion;
}

/** All that can be decided without asking the application. */
export function checkRequest(settings: ServerSettings, request: IncomingMessage, hasRoom: boolean): Refusal | undefined {
  return checkPage(settings, request) ?? (hasRoom ? undefined : isFull);
}

/** Asks the application who this is. Waits as long as the application does: the deadline is the caller's. */
export async function authenticate(settings: ServerSettings, request: IncomingMessage): Promise<{ user: unknown } | Refusal> {
  const refusal: Refusal = { reason: 'auth', status: 401, text: 'Who connects here must say who it is, and be let in.' };
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
  text: "Pages of this origin may not connect. The server's option origins lists those that may.",
};

const wrongHost: Refusal = {
  reason: 'host',
  status: 403,
  text: "Pages may not connect by this host name. The server's option hosts lists those that may be used.",
};

const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.|^::1$/;
const LOOPBACK_NAME = /^(?:(?:.+\.)?localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Browsers send the origin of the page with every handshake, and no page can forge it. A client that sends none is no
 * browser, and the powers of a browser (cookies, the user's network) are what these checks guard (RFC 6455, 10.2).
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

/** The port that a Host header leaves out is its scheme's: known with TLS; behind a proxy, taken to be the page's. */
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
 * Against DNS rebinding: the domain of a stranger's page resolves to a loopback address, so that the page is of the same
 * origin as a server there. No such page is in a list of `origins`; without a list, the host must be a loopback name.
 */
function isHostAllowed({ hosts, origins }: ServerSettings, request: IncomingMessage): boolean {
  const isLoopback = LOOPBACK_ADDRESS.test(request.socket.localAddress ?? '');
  if (hosts === '*' || (hosts === undefined && (!isLoopback || origins !== undefined))) return true;
  const name = hostNameOf(targetOf(request).host) ?? '';
  return (isLoopback && LOOPBACK_NAME.test(name)) || hosts?.includes(name) === true;
}
