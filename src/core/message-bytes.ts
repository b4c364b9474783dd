import { invalidMessage } from './client-errors.js';
import type { Message } from './types.js';
import { utf8Length } from './utf8.js';

/** The payload of a message on the wire, in bytes. */
export function sizeOf(message: Message): number {
  return typeof message === 'string' ? utf8Length(message) : message.byteLength;
}

/** The bytes of a message that the application hands over, in a buffer of their own: the application's may change at once. */
export function copyOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice() as Uint8Array<ArrayBuffer>;
  }
  // Not instanceof: the buffer may be of another realm, as in tests that run in one.
  if (Object.prototype.toString.call(bytes) === '[object ArrayBuffer]') return new Uint8Array(bytes.slice(0));
  throw invalidMessage('sendMessageBinary takes an ArrayBuffer or a view of one; for text there is sendMessage.');
}
