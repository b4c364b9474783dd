import { makeError, type WebsocketError } from './errors.js';
import type { WebsocketType } from './types.js';

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** No host where the host should be: '/chat', 'wss:/host'. A URL parser takes the next word for it, and dials a stranger. */
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
  // An address function in plain JavaScript may well answer undefined: that is no host of this name.
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

/** Without the cause: Node's error carries the whole address, credentials and all. */
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
  if (url.username !== '' || url.password !== '') return 'user';
  if (url.hash !== '' || url.href.endsWith('#')) return 'fragment';
  return url.port === '0' ? 'port' : undefined;
}

/** An address as errors and logs may show it: without user, password, query and fragment, where secrets travel. */
export function publicAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** The same for what could not be parsed: nothing from a ? or # on, and where there is an @, nobody knows where secrets end. */
function publicText(text: string): string {
  return text.includes('@') ? '…@…' : text.replace(/[?#].*$/s, '?…');
}
