import { WebsocketError } from './errors.js';
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
  if (url.username !== '' || url.password !== '') {
    throw invalid(url, 'has a user name or password. Send a token in the query or in a message.');
  }
  if (url.hash !== '' || url.href.endsWith('#')) {
    throw invalid(url, 'has a fragment. Leave out what follows #.');
  }
  if (url.port === '0') throw invalid(url, 'has port 0. Use a port from 1 to 65535.');
  if (url.protocol === 'ws:' && type === 'secure') {
    throw new WebsocketError('INSECURE_ADDRESS', `${publicAddress(url)} is not encrypted. Write wss://, or ask for it: type 'insecure'.`, {
      address: publicAddress(url),
    });
  }
  return url;
}

function parse(address: string | URL, type: WebsocketType): URL {
  // An address function in plain JavaScript may well answer undefined: that is no host of this name.
  const href: unknown = typeof address === 'string' ? address : address?.href;
  const text = typeof href === 'string' ? href.trim() : '';
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'ws' && scheme !== 'wss') {
    throw new WebsocketError('INVALID_ADDRESS', `The scheme ${scheme}:// is not wss:// or ws://.`, { scheme });
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
  return new WebsocketError(
    'INVALID_ADDRESS',
    "The address is empty or can't be parsed. Write 'host:port/path' or 'wss://host/path', a port from 1 to 65535, an IPv6 address in brackets.",
    { address: publicText(text) },
  );
}

function invalid(url: URL, problem: string): WebsocketError {
  return new WebsocketError('INVALID_ADDRESS', `The address ${publicAddress(url)} ${problem}`, { address: publicAddress(url) });
}

/** An address as errors and logs may show it: without user, password, query and fragment, where secrets travel. */
export function publicAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
}

/** The same for what could not be parsed: nothing from a ? or # on, and where there is an @, nobody knows where secrets end. */
function publicText(text: string): string {
  return text.includes('@') ? '…@…' : text.replace(/[?#].*$/s, '?…');
}
