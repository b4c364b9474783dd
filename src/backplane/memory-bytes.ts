import type { Bytes } from './backplane.js';

/** The bytes, copied if they are a small part of a larger buffer: keeping them would keep all of it. */
export function withoutSlab(bytes: Bytes): Bytes {
  return bytes.buffer.byteLength > 2 * bytes.byteLength ? new Uint8Array(bytes) : bytes;
}
