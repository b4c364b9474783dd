import type { Channel } from './channel.js';
import type { WebsocketError } from './errors.js';
import type { CloseInfo, ConnectionState } from './types.js';

/**
 * What a client needs of its connection: one that is here, or a stand-in for one that is elsewhere. What happens to it
 * is told to the client's `ConnectionEvents`, and no report comes in the middle of another.
 */
export interface ClientConnection {
  readonly state: ConnectionState;
  /** The subprotocol that the server chose, or ''. */
  readonly protocol: string;
  readonly channel: Pick<Channel, 'bufferedBytes' | 'send' | 'consumed' | 'end'>;
  connect(): void;
  /** @param isFinal over the present transport or not at all: a session that is away is not waited for. */
  close(code: number, reason: string, isFinal?: boolean): void;
  /** The page is put away, perhaps for good. */
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
  /** The server's end of a session only: its peer came back. */
  takeOver?(): void;
}
