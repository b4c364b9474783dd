import { endianness } from 'node:os';

/** Opcodes of RFC 6455, 11.8, with the FIN bit: a message is one frame. */
export const FINAL_TEXT = 0x81;
export const FINAL_BINARY = 0x82;

const MASKED = 0x80;
export const MASK_BYTES = 4;

/** Up to here a loop over the bytes costs less than a view of 32-bit words. */
const SHORT_BYTES = 32;

/** The second byte of a frame is its length, or says how many bytes after it hold the length (RFC 6455, 5.2). */
export function headerBytes(length: number): number {
  if (length < 126) return 2;
  return length <= 0xffff ? 4 : 10;
}

/** Writes the header without a mask, and returns the position behind it. */
export function writeHeader(target: Buffer, at: number, opcode: number, length: number, isMasked: boolean): number {
  const mask = isMasked ? MASKED : 0;
  target[at] = opcode;
  if (length < 126) {
    target[at + 1] = mask | length;
    return at + 2;
  }
  if (length <= 0xffff) {
    target[at + 1] = mask | 126;
    return target.writeUInt16BE(length, at + 2);
  }
  target[at + 1] = mask | 127;
  return target.writeBigUInt64BE(BigInt(length), at + 2);
}

/** Writes the payload and returns the position behind it. `bytes` is its length. */
export function writePayload(target: Buffer, at: number, message: string | Uint8Array, bytes: number): number {
  if (typeof message !== 'string') target.set(message, at);
  // As many bytes as characters: all of it is ASCII, which is copied without a conversion.
  else target.write(message, at, bytes, bytes === message.length ? 'latin1' : 'utf8');
  return at + bytes;
}

/** Masks the bytes from `start` to `end` with the four bytes of `keys` from `keyAt` on (RFC 6455, 5.3). */
export function mask(target: Buffer, start: number, end: number, keys: Buffer, keyAt: number): void {
  let at = start;
  if (end - start > SHORT_BYTES) {
    // A view of words has to begin at a multiple of its size.
    at += -(target.byteOffset + start) & 3;
    maskBytes(target, start, at, keys, keyAt, 0);
    at += maskWords(new Int32Array(target.buffer, target.byteOffset + at, (end - at) >> 2), keyWord(keys, keyAt, at - start));
  }
  maskBytes(target, at, end, keys, keyAt, at - start);
}

/** @param offset of the first byte in the payload. */
function maskBytes(target: Buffer, start: number, end: number, keys: Buffer, keyAt: number, offset: number): void {
  for (let index = 0; index < end - start; index++) {
    target[start + index] = (target[start + index] as number) ^ (keys[keyAt + ((offset + index) & 3)] as number);
  }
}

/** The key from the byte on that masks the byte at `offset` in the payload, as this machine has it in a word. */
function keyWord(keys: Buffer, keyAt: number, offset: number): number {
  const turn = 8 * (offset & 3);
  const isLittle = endianness() === 'LE';
  const word = isLittle ? keys.readInt32LE(keyAt) : keys.readInt32BE(keyAt);
  if (turn === 0) return word;
  return isLittle ? (word >>> turn) | (word << (32 - turn)) : (word << turn) | (word >>> (32 - turn));
}

function maskWords(words: Int32Array, word: number): number {
  for (let index = 0; index < words.length; index++) words[index] = (words[index] as number) ^ word;
  return words.byteLength;
}
