import { describe, expect, it } from 'vitest';
import { closeFrame, frame, Opcode } from '../support/raw-peer.js';
import { StrictReader } from './strict-reader.js';

const mask = Buffer.from('mask');

function faultsOf(bytes: Buffer, sender: 'client' | 'server' = 'server'): readonly string[] {
  const reader = new StrictReader(sender);
  for (const byte of bytes) reader.push(Buffer.of(byte));
  return reader.faults;
}

describe("the strict reader of our halves' output", () => {
  it('accepts correct frames from either sender, byte by byte', () => {
    const frames = (bits: { mask?: Buffer }) => [
      frame(Opcode.text, 'one ', { ...bits, isFinal: false }),
      frame(Opcode.ping, 'p', bits),
      frame(Opcode.continuation, 'message', bits),
      frame(Opcode.binary, Buffer.alloc(300, 1), bits),
      frame(Opcode.close, closeFrame(1000, 'bye').subarray(2), bits),
    ];
    for (const [sender, bits] of [
      ['server', {}],
      ['client', { mask }],
    ] as const) {
      const reader = new StrictReader(sender);
      for (const part of frames(bits)) for (const byte of part) reader.push(Buffer.of(byte));
      expect(reader.faults).toEqual([]);
      expect(reader.messages).toEqual(['one message', Buffer.alloc(300, 1)]);
      expect(reader).toMatchObject({ closeCode: 1000, closeReason: 'bye', pendingBytes: 0 });
    }
  });

  it.each([
    ['5.1', "a server's mask", frame(Opcode.text, 'x', { mask }), 'server'],
    ['5.1', 'no mask of a client', frame(Opcode.text, 'x'), 'client'],
    ['5.2', 'a reserved bit', frame(Opcode.text, 'x', { reserved: 4 }), 'server'],
    ['5.2', 'an unknown opcode', frame(3), 'server'],
    ['5.2', 'a length field of 16 bits for 125 bytes', frame(Opcode.text, 'x'.repeat(125), { lengthBits: 16 }), 'server'],
    ['5.2', 'a length field of 64 bits for 65,535 bytes', frame(Opcode.text, 'x'.repeat(65_535), { lengthBits: 64 }), 'server'],
    ['5.2', 'a length of 2^63', Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 'server'],
    ['5.4', 'a continuation of nothing', frame(Opcode.continuation), 'server'],
    ['5.4', 'a message within a message', Buffer.concat([frame(Opcode.text, 'a', { isFinal: false }), frame(Opcode.text, 'b')]), 'server'],
    ['5.5', 'a control frame in fragments', frame(Opcode.ping, '', { isFinal: false }), 'server'],
    ['5.5', 'a control frame of 126 bytes', frame(Opcode.ping, 'x'.repeat(126)), 'server'],
    ['5.5.1', 'a frame after the close frame', Buffer.concat([closeFrame(1000), frame(Opcode.pong)]), 'server'],
    ['5.5.1', 'a close frame of one byte', frame(Opcode.close, 'x'), 'server'],
    ['5.5.1', 'a close reason that is no UTF-8', frame(Opcode.close, Buffer.from([0x03, 0xe8, 0xff])), 'server'],
    ['7.4', 'close code 1006', closeFrame(1006), 'server'],
    ['8.1', 'a text that is no UTF-8', frame(Opcode.text, Buffer.from([0xff])), 'server'],
  ] as const)('finds a violation of section %s: %s', (section, _what, bytes, sender) => {
    expect(faultsOf(bytes, sender)).toEqual([expect.stringMatching(new RegExp(`^${section}:`))]);
  });
});
