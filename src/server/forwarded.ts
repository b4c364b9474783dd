import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv6 } from 'node:net';

/** A proxy that hides the address that it forwards for: RFC 7239, 6.2 and 6.3. */
const HIDDEN = /^(?:unknown|_[\w.-]+)(?::[\w.-]+)?$/i;
/** An address, and perhaps a port, which may be hidden too (RFC 7239, 6.1). */
const BRACKETED = /^\[([^\]]*)\](?::[\w.-]+)?$/;
const WITH_PORT = /^([\d.]+)(?::[\w.-]+)?$/;

/** One hop of a list: an address, or '' if the proxy hid it or named none. Undefined if the entry is malformed. */
type Hop = string | undefined;

/**
 * The address of the client, `hops` proxies behind the peer of the socket. Each proxy appends the address of its own peer to the list,
 * so a list is read from its end, and never further than trusted proxies have written it: a client can send any list itself. Without a
 * list, or where it is malformed or short, this is the furthest address that a trusted proxy has reported.
 *
 * Clients can send the header that the proxies do not write. So if both headers are present and differ, neither counts.
 */
export function addressBehind(peer: string, headers: IncomingHttpHeaders, hops: number): string {
  if (!(hops > 0)) return peer;
  const forwarded = textOf(headers.forwarded);
  const xForwardedFor = textOf(headers['x-forwarded-for']);
  if (forwarded === undefined) return xForwardedFor === undefined ? peer : furthest(peer, xForwardedFor, hops, hopOf);
  const address = furthest(peer, forwarded, hops, hopOfElement);
  const isAgreed = xForwardedFor === undefined || furthest(peer, xForwardedFor, hops, hopOf) === address;
  return isAgreed ? address : peer;
}

/** Node joins the lines of one header. */
function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

function furthest(peer: string, list: string, hops: number, parse: (entry: string) => Hop): string {
  let address = peer;
  let hop = 0;
  for (const entry of fromEnd(list, ',')) {
    const next = parse(entry);
    if (next === undefined) return address;
    if (next !== '') address = next;
    hop += 1;
    if (hop >= hops) return address;
  }
  return address;
}

/**
 * The parts of a list, from its last one. A separator within a quoted string (RFC 9110, 5.6.4) separates nothing. Text of the client,
 * such as a quote without an end, stands before the text of the proxies and cannot change how that is read.
 */
function* fromEnd(list: string, separator: string): Generator<string, void> {
  let end = list.length;
  let isQuoted = false;
  for (let at = end - 1; at >= 0; at--) {
    const character = list[at];
    if (character === '"' && !isEscaped(list, at)) isQuoted = !isQuoted;
    if (character !== separator || isQuoted) continue;
    yield list.slice(at + 1, end).trim();
    end = at;
  }
  yield list.slice(0, end).trim();
}

/** Whether an odd number of backslashes stands before the character. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text[before - 1] === '\\') before -= 1;
  return (at - before) % 2 === 1;
}

/** The node of one element of a `Forwarded` header: for="[2001:db8::1]:4711";proto=https. */
function hopOfElement(element: string): Hop {
  let node = '';
  for (const pair of fromEnd(element, ';')) {
    const [, name, quoted, token] = /^([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"\\]*))$/.exec(pair) ?? [];
    if (name === undefined) return undefined;
    if (name.toLowerCase() === 'for') node = quoted?.replace(/\\(.)/g, '$1') ?? token ?? '';
  }
  return node === '' ? '' : hopOf(node);
}

/** An address as proxies write it: with or without a port, and IPv6 with or without brackets. */
function hopOf(node: string): Hop {
  if (HIDDEN.test(node)) return '';
  const [, bracketed] = BRACKETED.exec(node) ?? [];
  if (bracketed !== undefined) return isIPv6(bracketed) ? bracketed : undefined;
  const [, plain = node] = WITH_PORT.exec(node) ?? [];
  return isIP(plain) === 0 ? undefined : plain;
}
