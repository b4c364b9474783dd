import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { addressBehind } from './forwarded.js';
import type { ServerRequest } from './types.js';

/** The absolute form of a request target, which RFC 6455 (4.1) allows beside the usual '/path?query'. */
const ABSOLUTE = /^(?:http|ws)s?:\/\/([^/?#@]+)([^#]*)$/i;

export interface Target {
  /** Host and port: those of an absolute target, otherwise those of the Host header (RFC 9112, 3.2.2). */
  readonly host: string | undefined;
  /** Path and query. */
  readonly url: string;
}

export function targetOf({ url = '/', headers }: IncomingMessage): Target {
  const absolute = ABSOLUTE.exec(url);
  if (absolute === null) return { host: headers.host, url };
  const [, host, rest = ''] = absolute;
  return { host, url: rest.startsWith('/') ? rest : `/${rest}` };
}

export function pathOf(request: IncomingMessage): string {
  return targetOf(request).url.split('?', 1)[0] as string;
}

/** The name in a Host header, in lower case and without the port. Undefined if the text is not a host. */
export function hostNameOf(host: string | undefined): string | undefined {
  const href = `http://${host}`;
  return host !== undefined && URL.canParse(href) ? new URL(href).hostname : undefined;
}

/** The origin in a text; undefined if it has none. For the scheme of an extension or a web view, URL.origin is 'null'. */
export function originOf(text: unknown): string | undefined {
  // A browser sends the scheme of the page, which is never ws or wss.
  const href = String(text).replace(/^ws/i, 'http');
  if (!URL.canParse(href)) return undefined;
  const { origin, protocol, host } = new URL(href);
  if (origin !== 'null') return origin;
  return host === '' ? undefined : `${protocol}//${host}`;
}

/** The subprotocols that the client offers, in its order. */
export function offeredProtocols({ headers }: IncomingMessage): readonly string[] {
  return headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
}

/** The address of the client: that of the peer of the socket, or the one that trusted proxies report. '' if the socket is closed. */
export function addressOf(socket: Duplex, trustedProxies: number, request: IncomingMessage | undefined): string {
  const { remoteAddress = '' } = socket as Partial<Socket>;
  return request === undefined ? remoteAddress : addressBehind(remoteAddress, request.headers, trustedProxies);
}

/** The request as the application reads it. */
export function requestOf(request: IncomingMessage, trustedProxies: number): ServerRequest {
  const remoteAddress = addressOf(request.socket, trustedProxies, request);
  return { url: targetOf(request).url, headers: request.headers, remoteAddress };
}
