import type { IncomingMessage } from 'node:http';

/** The absolute form of a request target, which RFC 6455 (4.1) allows beside the usual '/path?query'. */
const ABSOLUTE = /^(?:http|ws)s?:\/\/([^/?#@]+)([^#]*)$/i;

export interface Target {
  /** Host and port that the client asks for. Of an absolute target it is the target's own (RFC 9112, 3.2.2). */
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

/** The name in a Host header as a browser writes it: in small letters, without the port. Undefined: it is no host. */
export function hostNameOf(host: string | undefined): string | undefined {
  const href = `http://${host}`;
  return host !== undefined && URL.canParse(href) ? new URL(href).hostname : undefined;
}

/** Undefined for text without an origin. A URL calls the scheme of an extension or a web view opaque. */
export function originOf(text: unknown): string | undefined {
  // Browsers send the scheme of the page, never ws:// or wss://.
  const href = String(text).replace(/^ws/i, 'http');
  if (!URL.canParse(href)) return undefined;
  const { origin, protocol, host } = new URL(href);
  if (origin !== 'null') return origin;
  return host === '' ? undefined : `${protocol}//${host}`;
}
