import { makeError } from '../core/errors.js';
import { copyOf, sizeOf } from '../core/message-bytes.js';
import { encodeFrame, type Frame } from '../platform/node/frame.js';
import type { AcceptedClient } from './accepted-client.js';

/**
 * One frame for all plain clients: encoding it for each costs up to ten times as much as handing it to the socket. A
 * session puts the message into its own batch, with whatever else leaves with it, and keeps it for a client that is away.
 */
export function broadcast(clients: Iterable<AcceptedClient>, message: string | ArrayBuffer | ArrayBufferView): void {
  const shared = typeof message === 'string' ? message : bytesOf(message);
  const bytes = sizeOf(shared);
  let frame: Frame | undefined;
  for (const client of clients) {
    if (!client.isConnectionOpen() && !(client.hasSession && client.state === 'reconnecting')) continue;
    if (client.hasSession) client.sendToAll(shared, bytes);
    else {
      frame ??= encodeFrame(shared);
      client.sendToAll(frame, bytes);
    }
  }
}

/** Sessions may hold it for long, and the application's buffer may change at once. */
function bytesOf(message: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    return copyOf(message);
  } catch {
    throw makeError('INVALID_MESSAGE', { method: 'broadcast' });
  }
}
