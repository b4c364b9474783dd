import type { Channel, ChannelSink } from './channel.js';
import type { WebsocketError } from './errors.js';
import type { InboxSource } from './inbox.js';
import type { LifecycleListener } from './platform.js';
import type { ConnectionReports } from './reports.js';
import type { CloseInfo, ConnectionState } from './types.js';

/** The owner of a connection. It gets messages and counts at once, and reports in order. */
export interface ConnectionOwner extends ChannelSink, ConnectionReports {}

/** What a client needs from its connection, which is its own or represents one in a shared worker. */
export interface ClientConnection extends LifecycleListener, InboxSource {
  readonly state: ConnectionState;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  readonly channel: Pick<Channel, 'bufferedBytes' | 'send' | 'end'>;
  connect(): void;
  /** @param isFinal close over the current transport only: a disconnected session is not resumed to deliver the rest. */
  close(code: number, reason: string, isFinal?: boolean): void;
  /** Starts the next attempt now, if the connection waits for it. */
  retryNow(): void;
  /** Ends the connection for good, without waiting for an answer. */
  terminate(info: CloseInfo, error: WebsocketError | undefined): void;
}
