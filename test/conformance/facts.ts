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
  followsRedirects: false,
  isNode: false,
};

/** What is known of each platform that runs the suite. */
export const platforms = {
  node: {
    hasPing: true,
    hasPause: true,
    tellsWhy: true,
    sendsAllCodes: true,
    readsWhileClosing: true,
    tellsProtocolErrors: true,
    keepsByteOrderMark: true,
    knowsLaterCodes: true,
    followsRedirects: false,
    isNode: true,
  },
  chromium: whatwg,
  firefox: whatwg,
  /** WebKitGTK: its handshakes and frames are libsoup's. */
  webkit: { ...whatwg, knowsLaterCodes: false, followsRedirects: true },
  node22Global: { ...whatwg, keepsByteOrderMark: false },
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
} as const satisfies Partial<PlatformFacts>;

export function factsOf(platform: PlatformName, link: LinkName): PlatformFacts {
  return link === 'session' ? { ...platforms[platform], ...session } : platforms[platform];
}
