import * as CloseCode from '../core/close-codes.js';
import { WebsocketError } from '../core/errors.js';
import type { CloseInfo } from '../core/types.js';
import * as SessionCloseCode from '../session/close-code.js';
import type { AcceptedClient } from './accepted-client.js';
import type { RefusalReason } from './types.js';

/** The counters since the server started. */
const COUNTERS = {
  connectionsTotal: 0,
  messagesReceived: 0,
  messagesSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  /** Messages that a client's connection had accepted and not sent when it ended. */
  messagesUnsent: 0,
  /** Errors of clients without any listener, after the first of each code and client. */
  errorsNotLogged: 0,
  refusedPath: 0,
  refusedOrigin: 0,
  refusedHost: 0,
  refusedFull: 0,
  refusedAddress: 0,
  refusedAuth: 0,
  refusedRequest: 0,
  refusedTimeout: 0,
  refusedClosing: 0,
  refusedGone: 0,
  closedRateLimited: 0,
  closedTooSlow: 0,
  closedTooBig: 0,
  closedProtocolError: 0,
  closedDead: 0,
};

type Counter = keyof typeof COUNTERS;

const REFUSED: Readonly<Record<RefusalReason, Counter>> = {
  path: 'refusedPath',
  origin: 'refusedOrigin',
  host: 'refusedHost',
  full: 'refusedFull',
  address: 'refusedAddress',
  auth: 'refusedAuth',
  request: 'refusedRequest',
  timeout: 'refusedTimeout',
  closing: 'refusedClosing',
  gone: 'refusedGone',
};

export class Metrics {
  readonly #counters = { ...COUNTERS };

  connected(): void {
    this.#counters.connectionsTotal += 1;
  }

  refused(reason: RefusalReason): void {
    this.#counters[REFUSED[reason]] += 1;
  }

  notLogged(): void {
    this.#counters.errorsNotLogged += 1;
  }

  unsent(messages: number): void {
    this.#counters.messagesUnsent += messages;
  }

  /** Adds the client's counters, because the client is no longer among the live ones. */
  closed(client: AcceptedClient, info: CloseInfo): void {
    add(this.#counters, client);
    const counter = closedBy(info);
    if (counter !== undefined) this.#counters[counter] += 1;
  }

  /** The client of a session disconnected. */
  disconnected(cause: unknown): void {
    if (cause instanceof WebsocketError && cause.code === 'LINK_DEAD') this.#counters.closedDead += 1;
  }

  /** @param others the counters and gauges of other parts of the server. */
  read(others: Readonly<Record<string, number>>, live: ReadonlySet<AcceptedClient>): Readonly<Record<string, number>> {
    const now = { bufferedBytes: 0, ...this.#counters, ...others };
    for (const client of live) {
      add(now, client);
      now.bufferedBytes += client.bufferedBytes;
    }
    return now;
  }
}

function add(counters: typeof COUNTERS, client: AcceptedClient): void {
  const { stats } = client;
  counters.messagesReceived += stats.messagesReceived;
  counters.messagesSent += stats.messagesSent;
  counters.bytesReceived += stats.bytesReceived;
  counters.bytesSent += stats.bytesSent;
}

/** The counter for a connection that the server closed. A clean close was requested by the peer or the application. */
function closedBy(info: CloseInfo): Counter | undefined {
  if (info.wasClean) return undefined;
  switch (info.code) {
    case CloseCode.policyViolation:
      return info.reason === 'RATE_LIMITED' ? 'closedRateLimited' : 'closedProtocolError';
    case CloseCode.tryAgainLater:
      return 'closedTooSlow';
    case CloseCode.messageTooBig:
      return 'closedTooBig';
    case CloseCode.protocolError:
    case CloseCode.invalidPayload:
    case SessionCloseCode.protocol:
    case SessionCloseCode.limit:
      return 'closedProtocolError';
    case CloseCode.abnormal:
      return info.reason === 'link dead' ? 'closedDead' : undefined;
    default:
      return undefined;
  }
}
