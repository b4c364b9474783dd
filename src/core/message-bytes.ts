import { makeError } from './errors.js';
import type { Message } from './types.js';

/** The size of a message's payload in bytes. */
export function sizeOf(message: Message): number {
  return typeof message === 'string' ? utf8Length(message) : message.byteLength;
}

/** A copy of the application's bytes, whose buffer may change at once. */
export function copyOf(bytes: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  try {
    if (ArrayBuffer.isView(bytes)) {
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice() as Uint8Array<ArrayBuffer>;
    }
    // Throws for everything that is not an ArrayBuffer, and accepts one of another realm.
    return new Uint8Array(ArrayBuffer.prototype.slice.call(bytes, 0));
  } catch {
    // Also if the buffer was transferred to a worker, or if there is no memory for the copy.
    throw makeError('INVALID_MESSAGE', { method: 'sendMessageBinary' });
  }
}

/** Bytes that a string takes in UTF-8; a lone surrogate counts three, as the replacement character that is sent for it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 ? 1 : 2;
    // A surrogate pair takes four bytes.
    if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) index += 1;
  }
  return bytes;
}
