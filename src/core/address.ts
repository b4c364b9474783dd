import { makeError, type WebsocketError } from './errors.js';
import type { WebsocketType } from './types.js';

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** An address without a host: '/chat', 'wss:/host'. A URL parser would use the next word as the host. */
const HOSTLESS = /^([a-z][a-z0-9+.-]*:)?[/\\]/i;

/**
 * The URL to dial for an address and a type.
 *
 * @throws {WebsocketError} `INVALID_ADDRESS`, or `INSECURE_ADDRESS` for a `ws://` address with the secure type:
 * there is no silent downgrade. A `wss://` address is dialled as wss with either type.
 */
export function resolveAddress(address: string | URL, type: WebsocketType): URL {
  const url = parse(address, type);
  const part = unusablePartOf(url);
  if (part !== undefined) throw makeError('INVALID_ADDRESS', { address: publicAddress(url), part });
  if (url.protocol === 'ws:' && type === 'secure') throw makeError('INSECURE_ADDRESS', { address: publicAddress(url) });
  return url;
}

function parse(address: string | URL, type: WebsocketType): URL {
  // An address function in plain JavaScript may return undefined, which must not become a host of that name.
  const href: unknown = typeof address === 'string' ? address : address?.href;
  const text = typeof href === 'string' ? href.trim() : '';
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'ws' && scheme !== 'wss') {
    throw makeError('INVALID_ADDRESS', { scheme });
  }
  if (text === '' || (scheme === undefined && HOSTLESS.test(text))) throw unparsable(text);
  const complete = scheme === undefined ? `${type === 'secure' ? 'wss' : 'ws'}://${text}` : text;
  const url = parseUrl(complete);
  // Chromium escapes what the URL standard forbids in a host: 'two words' would be dialled as two%20words.
  if (url === undefined || url.hostname.includes('%')) throw unparsable(text);
  return url;
}

/** Returns no cause: Node's error contains the whole address, with its credentials. */
function parseUrl(href: string): URL | undefined {
  try {
    return new URL(href);
  } catch {
    return undefined;
  }
}

function unparsable(text: string): WebsocketError {
  return makeError('INVALID_ADDRESS', { address: publicText(text) });
}

function unusablePartOf(url: URL): string | undefined {
  if (url.username + url.password !== '') return 'user';
  if (url.href.includes('#')) return 'fragment';
  return url.port === '0' ? 'port' : undefined;
}

/** An address for errors and logs: without user, password, query and fragment, which may contain secrets. */
export function publicAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** The same for an address that cannot be parsed: cut at the first ? or #, and hidden if it has an @, as the end of the credentials is unknown. */
function publicText(text: string): string {
  return text.includes('@') ? '…@…' : text.replace(/[?#].*$/s, '?…');
}
