import { WebsocketError } from '../../core/errors.js';
import type { Continuity } from '../../core/types.js';
import { SLOW_TAB_MS } from './posts.js';

export function heldOthers(windowBytes: number): WebsocketError {
  return new WebsocketError(
    'INBOX_FULL',
    `This tab left more than ${windowBytes} bytes unread for ${SLOW_TAB_MS} ms while other tabs of the same session waited. Read faster, raise session.windowBytes, or give this tab a session of its own.`,
    { maxBytes: windowBytes },
  );
}

/** What a tab is told that comes back to a connection, and how many messages of it it has missed, if that is known. */
export function continuityAfterAway(missed: number | undefined): Continuity {
  if (missed === undefined) {
    return { resumed: false, replayed: 0, lost: undefined, reason: 'This tab was away, and another connection began meanwhile.' };
  }
  const reason = `This tab was away, and the connection went on: ${missed} messages came meanwhile.`;
  return { resumed: missed === 0, replayed: 0, lost: missed, lostFromPeer: missed, reason };
}
