import { WebsocketError } from '../core/errors.js';
import { SLOW_TAB_MS } from './posts.js';

export function heldOthers(windowBytes: number): WebsocketError {
  return new WebsocketError(
    'INBOX_FULL',
    `This tab left more than ${windowBytes} bytes unread for ${SLOW_TAB_MS} ms while other tabs of the same session waited. Read faster, raise session.windowBytes, or give this tab a session of its own.`,
    { maxBytes: windowBytes },
  );
}
