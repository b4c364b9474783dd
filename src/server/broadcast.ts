import { WebsocketError } from '../core/errors.js';
import { sizeOf } from '../core/message-bytes.js';
import { encodeFrame, type Frame } from '../platform/node/frame.js';
import type { AcceptedClient } from './accepted-client.js';

/**
 * One frame for all plain clients: encoding it for each costs up to ten times as much as handing it to the socket. A
 * session puts the message into its own batch, with whatever else leaves with it, and keeps it for a client that is away.
 */
export function broadcast(clients: Iterable<AcceptedClient>, message: string | ArrayBuffer | ArrayBufferView): void {
  const shared = typeof message === 'string' ? message : copyOf(message);
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
function copyOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice() as Uint8Array<ArrayBuffer>;
  }
  // Not instanceof: the buffer may be of another realm, as in tests that run in one.
  if (Object.prototype.toString.call(bytes) === '[object ArrayBuffer]') return new Uint8Array(bytes.slice(0));
  throw new WebsocketError('INVALID_MESSAGE', 'broadcast() takes a string, an ArrayBuffer or a view of one.');
}
