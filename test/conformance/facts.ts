import type { PlatformFacts } from './env.js';

/** The WHATWG interface and nothing else: what pages, workers and every runtime with a global WebSocket have. */
const whatwg: PlatformFacts = {
  hasPing: false,
  hasPause: false,
  tellsWhy: false,
  sendsAllCodes: false,
  readsWhileClosing: false,
  tellsProtocolErrors: false,
  keepsByteOrderMark: true,
  knowsLaterCodes: true,
  knowsBadGateway: true,
  followsRedirects: false,
  checksUtf8: true,
  answersEveryPing: true,
  dialsOnce: true,
  isNode: false,
};

/** Node with ws, whatever its version. */
const node: PlatformFacts = {
  hasPing: true,
  hasPause: true,
  tellsWhy: true,
  sendsAllCodes: true,
  readsWhileClosing: true,
  tellsProtocolErrors: true,
  keepsByteOrderMark: true,
  knowsLaterCodes: true,
  knowsBadGateway: true,
  followsRedirects: false,
  checksUtf8: true,
  answersEveryPing: true,
  dialsOnce: true,
  isNode: true,
};

/** What is known of each platform that runs the suite; docs/platforms.md says what a user may notice of it. */
export const platforms = {
  node,
  node20: node,
  node22: node,
  node24: node,
  node26: node,
  node22Global: { ...whatwg, keepsByteOrderMark: false },
  node24Global: { ...whatwg, keepsByteOrderMark: false, dialsOnce: false },
  node26Global: { ...whatwg, keepsByteOrderMark: false, dialsOnce: false },
  bun: whatwg,
  deno: { ...whatwg, readsWhileClosing: true, knowsBadGateway: false },
  workerd: { ...whatwg, readsWhileClosing: true, checksUtf8: false, answersEveryPing: false },
  chromium: whatwg,
  /** WebSocketStream, which stops reading. */
  chromiumStream: { ...whatwg, hasPause: true },
  firefox: whatwg,
  /** WebKitGTK: its handshakes and frames are libsoup's. */
  webkit: { ...whatwg, knowsLaterCodes: false, knowsBadGateway: false, followsRedirects: true },
} as const satisfies Record<string, PlatformFacts>;

export type PlatformName = keyof typeof platforms;

/** What carries the messages: frames of their own, or a session between both ends. */
export type LinkName = 'plain' | 'session';

/** A session brings to every platform what its WebSocket lacks: it pings, stops the sender, carries close codes and text itself. */
const session = {
  hasPing: true,
  hasPause: true,
  sendsAllCodes: true,
  readsWhileClosing: true,
  keepsByteOrderMark: true,
  knowsLaterCodes: true,
  knowsBadGateway: true,
} as const satisfies Partial<PlatformFacts>;

export function factsOf(platform: PlatformName, link: LinkName): PlatformFacts {
  return link === 'session' ? { ...platforms[platform], ...session } : platforms[platform];
}
