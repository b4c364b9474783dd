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
export function mask(target: Buffer, start: number, end: number, keys: Uint8Array, keyAt: number): void {
  const key = [0, 1, 2, 3].map((index) => keys[keyAt + index] as number);
  let at = start;
  if (end - start > SHORT_BYTES) {
    // A view of words has to begin at a multiple of its size.
    for (; ((target.byteOffset + at) & 3) !== 0; at++) maskByte(target, at, key[(at - start) & 3] as number);
    const rotated = Uint8Array.from([0, 1, 2, 3], (index) => key[(at - start + index) & 3] as number);
    at += maskWords(new Int32Array(target.buffer, target.byteOffset + at, (end - at) >> 2), new Int32Array(rotated.buffer)[0] as number);
  }
  for (; at < end; at++) maskByte(target, at, key[(at - start) & 3] as number);
}

function maskByte(target: Buffer, at: number, byte: number): void {
  target[at] = (target[at] as number) ^ byte;
}

function maskWords(words: Int32Array, word: number): number {
  for (let index = 0; index < words.length; index++) words[index] = (words[index] as number) ^ word;
  return words.byteLength;
}
