/** The bytes of each attack: the payload of one frame, or several frames, in about 64 KiB. */

const MAX_BATCH_BYTES = 65_536;
const Opcode = { continuation: 0, text: 1, binary: 2, ping: 9, pong: 10 };

/** A client's frame with a mask of zeros, which costs the attacker nothing. */
export function frame(opcode, payload = Buffer.alloc(0), isFinal = true) {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const head = Buffer.alloc(size + 4);
  head[0] = (isFinal ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) head.writeUInt16BE(length, 2);
  if (size === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** A batch of one repeated record. */
const batchOf = (...record) => frame(Opcode.binary, filled(Buffer.from(record)));
/** As many copies as fit. */
const filled = (piece) => Buffer.concat(Array(Math.floor(MAX_BATCH_BYTES / piece.length)).fill(piece));
const framesOf = (...bits) => filled(frame(...bits));

const oneByte = Buffer.from('x');
/** A message of the maximum number of fragments that ws accepts, then the next. */
const fragments = (piece) =>
  Buffer.concat([
    frame(Opcode.text, piece, false),
    ...Array(8_000).fill(frame(Opcode.continuation, piece, false)),
    frame(Opcode.continuation),
  ]);

/** A HELLO with large values and no subprotocol. */
export const hello = frame(Opcode.binary, Buffer.from([0xaf, 0x01, 1, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0]));

export const sessionAttacks = {
  'PING records, empty': batchOf(0x0a),
  'PING records, 8 bytes': batchOf(0x8a, 0x01, ...Buffer.alloc(8, 7)),
  'PONG records': batchOf(0x0b),
  'PONG records with a number': batchOf(0x1b, 1),
  'ACK records': batchOf(0x18, 0),
  'CREDIT records': batchOf(0x19, 0),
  'volatile texts, empty': batchOf(0x0c),
  'volatile binaries, empty': batchOf(0x0d),
  'volatile binaries, 1 byte': batchOf(0x1d, 1),
  'records of a reserved kind': batchOf(0x0e),
  'CONTROL records, unknown': batchOf(0x1f, 0x7f),
  'LEAVE records': batchOf(0x2f, 5, 0),
};

export const plainAttacks = {
  'texts, empty': framesOf(Opcode.text),
  'texts, 1 byte': framesOf(Opcode.text, oneByte),
  'binaries, 1 byte': framesOf(Opcode.binary, oneByte),
  'pings, empty': framesOf(Opcode.ping),
  'pings, 1 byte': framesOf(Opcode.ping, oneByte),
  'pongs, empty': framesOf(Opcode.pong),
  'fragments, empty': fragments(Buffer.alloc(0)),
  'fragments, 1 byte': fragments(oneByte),
};
