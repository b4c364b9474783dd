import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { ServerSettings } from './options.js';
import type { Refusal } from './refusal.js';
import { hostNameOf, targetOf } from './target.js';

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
export function checkPage(settings: ServerSettings, request: IncomingMessage): Refusal | undefined {
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
