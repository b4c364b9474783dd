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
    isNode: true,
  },
  chromium: whatwg,
  chromiumStream: { ...whatwg, hasPause: true },
  node22Global: { ...whatwg, keepsByteOrderMark: false },
} as const satisfies Record<string, PlatformFacts>;

export type PlatformName = keyof typeof platforms;
