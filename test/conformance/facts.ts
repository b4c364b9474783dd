import type { PlatformFacts } from './env.js';

/** Node, with ws. */
export const nodeFacts: PlatformFacts = {
  hasPing: true,
  hasPause: true,
  tellsWhy: true,
  sendsAllCodes: true,
  readsWhileClosing: true,
  tellsProtocolErrors: true,
  isNode: true,
};

/** The WHATWG interface and nothing else: pages, workers, and every runtime with a global WebSocket. */
export const whatwgFacts: PlatformFacts = {
  hasPing: false,
  hasPause: false,
  tellsWhy: false,
  sendsAllCodes: false,
  readsWhileClosing: false,
  tellsProtocolErrors: false,
  isNode: false,
};
