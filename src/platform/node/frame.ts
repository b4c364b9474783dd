/** Opcodes of RFC 6455, 11.8, with the bit that says that nothing of the message follows. */
const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

/**
 * A message as it stands on the wire, made once for many accepted connections. A channel takes it as bytes like any
 * other; NodeTransport writes it as it is. Not for a transport that was dialled: what a client sends is masked, each with a key.
 */
export class Frame extends Uint8Array<ArrayBuffer> {
  get payloadBytes(): number {
    return this.byteLength - headerBytes(this[1] as number);
  }
}

export function encodeFrame(message: string | Uint8Array): Frame {
  const isText = typeof message === 'string';
  const payload = isText ? Buffer.from(message) : message;
  const { length } = payload;
  const marker = length < 126 ? length : length <= 0xffff ? 126 : 127;
  const offset = headerBytes(marker);
  const frame = new Frame(new ArrayBuffer(offset + length));
  frame[0] = isText ? FINAL_TEXT : FINAL_BINARY;
  frame[1] = marker;
  const view = new DataView(frame.buffer);
  if (marker === 126) view.setUint16(2, length);
  if (marker === 127) view.setBigUint64(2, BigInt(length));
  frame.set(payload, offset);
  return frame;
}

/** The second byte of a frame is its length, or how many bytes after it say so (RFC 6455, 5.2). */
function headerBytes(marker: number): number {
  if (marker < 126) return 2;
  return marker === 126 ? 4 : 10;
}
