import type { Channel, ChannelSink } from './channel.js';
import type { WebsocketError } from './errors.js';
import type { ConnectionReports } from './reports.js';
import type { CloseInfo, ConnectionState } from './types.js';

/** The owner of a connection: messages and counts come as they happen, reports in order. */
export interface ConnectionOwner extends ChannelSink, ConnectionReports {}

/** What a client needs of its connection: one that is here, or one that stands for a connection elsewhere. */
export interface ClientConnection {
  readonly state: ConnectionState;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  readonly channel: Pick<Channel, 'bufferedBytes' | 'send' | 'consumed' | 'end'>;
  connect(): void;
  /** @param isFinal over the present transport or not at all: a session whose peer is away is not waited for. */
  close(code: number, reason: string, isFinal?: boolean): void;
  /** The page is hidden, perhaps for good. */
  suspend(isForGood?: boolean): void;
  /** The page is shown or the network is back. */
  wake(): void;
  /** While it waits for its next attempt: makes it now. */
  retryNow(): void;
  /** The process ends in this turn. */
  exit(): void;
  /** The inbox is full. */
  pause(): void;
  /** The inbox has room again. */
  resume(): void;
  /** For good, and without waiting for an answer. */
  terminate(info: CloseInfo, error: WebsocketError | undefined): void;
}
