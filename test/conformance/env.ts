import type * as gemsocket from '../../src/entry/browser.js';
import type { ServerInfo } from './steps.js';

/** The public API, from whatever build and entry is under test. */
export type Gemsocket = typeof gemsocket;

/** What a platform can do. Where it can't, the suite asserts what it does instead. */
export interface PlatformFacts {
  /** Sends pings of its own: finds a dead link, and measures the round trip. */
  readonly hasPing: boolean;
  /** Stops reading the socket when the inbox is full, so that the sender waits. */
  readonly hasPause: boolean;
  /** Tells the HTTP status or the system's code when connecting fails. */
  readonly tellsWhy: boolean;
  /** Sends the close codes of RFC 6455 itself; elsewhere 1001 goes out as 4001, 1011 as 4011. */
  readonly sendsAllCodes: boolean;
  /** Delivers what arrives between close() and the peer's answer; the WHATWG interface drops it. */
  readonly readsWhileClosing: boolean;
  /** Names what the peer did against the protocol. */
  readonly tellsProtocolErrors: boolean;
  /** Gives a text that begins with U+FEFF as it is, and not without it. */
  readonly keepsByteOrderMark: boolean;
  /** Takes the close codes that were registered after RFC 6455: 1012 and 1013. */
  readonly knowsLaterCodes: boolean;
  /** Takes 1014, which was registered last. */
  readonly knowsBadGateway: boolean;
  /** Follows a redirect of the handshake, which the standard forbids. */
  readonly followsRedirects: boolean;
  /** Ends a connection on which text comes that is no UTF-8, and does not read U+FFFD for it. */
  readonly checksUtf8: boolean;
  /** Answers each ping with a pong of its own; RFC 6455 (5.5.3) lets one pong answer several. */
  readonly answersEveryPing: boolean;
  /** Makes one handshake for each attempt, also where it is answered with 401. */
  readonly dialsOnce: boolean;
  /** Takes `options.node` and process signals. */
  readonly isNode: boolean;
}

export interface Env {
  readonly gemsocket: Gemsocket;
  readonly server: ServerInfo;
  readonly facts: PlatformFacts;
  /** How many times slower than the reference the machine is, see test/support/pace.ts. */
  readonly pace: number;
}
