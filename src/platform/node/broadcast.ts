/** Opcodes of RFC 6455, 11.8, with the FIN bit. */
const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

type Message = string | Uint8Array<ArrayBuffer>;

/**
 * The message that a server is broadcasting, encoded once for all its clients. A transport asks for its frame and encodes
 * any other message itself, such as one that waited in an outbox. Only for accepted sockets: a client masks its frames.
 */
export class Broadcast {
  #message: Message | undefined;
  #frame: Buffer | undefined;

  /** Calls `send`, which sends the message to any number of clients. */
  run(message: Message, send: () => void): void {
    const [outerMessage, outerFrame] = [this.#message, this.#frame];
    this.#message = message;
    this.#frame = undefined;
    try {
      send();
    } finally {
      // `send` may have called a listener that broadcast another message.
      this.#message = outerMessage;
      this.#frame = outerFrame;
    }
  }

  /** Undefined if this is not the message that is being broadcast. */
  frameOf(message: Message): Buffer | undefined {
    if (message !== this.#message) return undefined;
    this.#frame ??= encodeFrame(message);
    return this.#frame;
  }
}

/** A Buffer, because Node wraps any other Uint8Array in one for each socket. */
function encodeFrame(message: Message): Buffer {
  const isText = typeof message === 'string';
  const length = isText ? Buffer.byteLength(message) : message.length;
  const marker = length < 126 ? length : length <= 0xffff ? 126 : 127;
  const offset = headerBytes(marker);
  const frame = Buffer.allocUnsafeSlow(offset + length);
  frame[0] = isText ? FINAL_TEXT : FINAL_BINARY;
  frame[1] = marker;
  if (marker === 126) frame.writeUInt16BE(length, 2);
  if (marker === 127) frame.writeBigUInt64BE(BigInt(length), 2);
  if (isText) frame.write(message, offset);
  else frame.set(message, offset);
  return frame;
}

/** The second byte of a frame is its length, or the number of the bytes after it that hold the length (RFC 6455, 5.2). */
function headerBytes(marker: number): number {
  if (marker < 126) return 2;
  return marker === 126 ? 4 : 10;
}
