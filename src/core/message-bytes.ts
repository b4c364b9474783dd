import { makeError } from './errors.js';
import type { Message } from './types.js';
import { utf8Length } from './utf8.js';

/** The payload of a message on the wire, in bytes. */
export function sizeOf(message: Message): number {
  return typeof message === 'string' ? utf8Length(message) : message.byteLength;
}

/** The bytes of a message that the application hands over, in a buffer of their own: the application's may change at once. */
export function copyOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    if (ArrayBuffer.isView(bytes)) {
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice() as Uint8Array<ArrayBuffer>;
    }
    // Throws for everything that is no ArrayBuffer, and takes one of another realm, as in tests that run in one.
    return new Uint8Array(ArrayBuffer.prototype.slice.call(bytes, 0));
  } catch {
    // Or the buffer was transferred to a worker, or there is no memory for the copy.
    throw makeError('INVALID_MESSAGE', { method: 'sendMessageBinary' });
  }
}
