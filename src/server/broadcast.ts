import { WebsocketError } from '../core/errors.js';
import { encodeFrame } from '../platform/node/frame.js';
import type { AcceptedClient } from './accepted-client.js';

/** One frame for all: encoding it for each costs up to ten times as much as handing it to the socket. */
export function broadcast(clients: Iterable<AcceptedClient>, message: string | ArrayBuffer | ArrayBufferView): void {
  const frame = encodeFrame(typeof message === 'string' ? message : viewOf(message));
  for (const client of clients) {
    if (client.isConnectionOpen()) client.sendFrame(frame);
  }
}

function viewOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Not instanceof: the buffer may be of another realm, as in tests that run in one.
  if (Object.prototype.toString.call(bytes) === '[object ArrayBuffer]') return new Uint8Array(bytes);
  throw new WebsocketError('INVALID_MESSAGE', 'broadcast() takes a string, an ArrayBuffer or a view of one.');
}
