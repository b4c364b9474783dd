import { randomBytes } from 'node:crypto';
import { describe } from 'vitest';
import { Opcode } from '../support/raw-peer.js';
import { type Case, describeCases } from './cases.js';
import { ourClient, ourServer } from './halves.js';

/** Both sides of every boundary of the length field. */
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537];

const lengths = LENGTHS.flatMap((length): Case[] => {
  const bytes = randomBytes(length);
  const text = 'x'.repeat(length);
  const options = { maxMessageBytes: 100_000 };
  return [
    {
      section: '5.2',
      name: `binary of ${length} bytes`,
      frames: (frame) => [frame(Opcode.binary, bytes)],
      messages: [new Uint8Array(bytes)],
      options,
    },
    { section: '5.2', name: `text of ${length} bytes`, frames: (frame) => [frame(Opcode.text, text)], messages: [text], options },
  ];
});

/** The RFC requires the shortest length field from the sender; our reader accepts longer ones, as ws does. Our writer never sends them. */
const longLengths = (
  [
    [0, 16],
    [125, 16],
    [0, 64],
    [125, 64],
    [126, 64],
    [65_535, 64],
  ] as const
).map(
  ([length, lengthBits]): Case => ({
    section: '5.2',
    name: `${length} bytes in a length field of ${lengthBits} bits are accepted`,
    frames: (frame) => [frame(Opcode.binary, new Uint8Array(length), { lengthBits })],
    messages: [new Uint8Array(length)],
  }),
);

/** The frame has a raw client's mask bit, but nothing after the length. */
const tooLong = (name: string, length: bigint): Case => ({
  section: '5.2',
  name,
  frames: (frame) => {
    const bytes = frame(Opcode.binary, '', { lengthBits: 64 });
    bytes.writeBigUInt64BE(length, 2);
    return [bytes];
  },
  fails: 1009,
});

const reservedBits = [1, 2, 3, 4, 5, 6, 7].flatMap((reserved): Case[] =>
  Object.entries(Opcode)
    .filter(([name]) => name !== 'continuation')
    .map(([name, opcode]) => ({
      section: '5.2',
      name: `reserved bits ${reserved.toString(2).padStart(3, '0')} in a ${name} frame`,
      frames: (frame) => [frame(opcode, '', { reserved })],
      fails: 1002,
    })),
);

const reservedOpcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode): Case[] => [
  { section: '5.2', name: `opcode ${opcode}`, frames: (frame) => [frame(opcode)], fails: 1002 },
  { section: '5.2', name: `opcode ${opcode} with a payload`, frames: (frame) => [frame(opcode, 'payload')], fails: 1002 },
  {
    section: '5.2',
    name: `opcode ${opcode} between fragments`,
    frames: (frame) => [frame(Opcode.text, 'a', { isFinal: false }), frame(opcode), frame(Opcode.continuation, 'b')],
    fails: 1002,
  },
]);

describe('the length field', () => {
  describeCases(lengths);
  describeCases(longLengths);
  describeCases([
    tooLong('a length of 2^63, whose first bit must be 0', 2n ** 63n),
    tooLong('a length of 2^64 - 1', 2n ** 64n - 1n),
    tooLong('a length of 2^53', 2n ** 53n),
    tooLong('a length of 2^32', 2n ** 32n),
    {
      section: '10.4',
      name: 'a message of maxMessageBytes',
      frames: (f) => [f(2, new Uint8Array(1_000))],
      messages: [new Uint8Array(1_000)],
      options: { maxMessageBytes: 1_000 },
    },
    {
      section: '10.4',
      name: 'a message of one byte more than maxMessageBytes',
      frames: (f) => [f(2, new Uint8Array(1_001))],
      fails: 1009,
      options: { maxMessageBytes: 1_000 },
    },
  ]);
});

describe('reserved bits without a negotiated extension', () => {
  describeCases(reservedBits);
  describeCases([
    {
      section: '5.2',
      name: 'a reserved bit in a continuation',
      frames: (frame) => [frame(Opcode.text, 'a', { isFinal: false }), frame(Opcode.continuation, 'b', { reserved: 4 })],
      fails: 1002,
    },
  ]);
});

describe('reserved opcodes', () => describeCases(reservedOpcodes));

describe('masks', () => {
  const everyFrame = Object.entries(Opcode).filter(([name]) => name !== 'continuation');
  describeCases(
    everyFrame.map(
      ([name, opcode]): Case => ({
        section: '5.1',
        name: `a masked ${name} frame from a server`,
        frames: (frame) => [frame(opcode, '', { mask: Buffer.from('mask') })],
        fails: 1002,
      }),
    ),
    [ourClient],
  );
  describeCases(
    everyFrame.map(
      ([name, opcode]): Case => ({
        section: '5.1',
        name: `a ${name} frame without a mask from a client`,
        frames: (frame) => [frame(opcode, '', { mask: undefined })],
        fails: 1002,
      }),
    ),
    [ourServer],
  );
  describeCases(
    ['00000000', '00000001', '01000000', 'ffffffff', '7f80ff01'].map((hex): Case => {
      const mask = Buffer.from(hex, 'hex');
      return {
        section: '5.3',
        name: `a mask of ${hex}`,
        frames: (frame) => [0, 1, 2, 3, 4, 5, 7, 8, 63].map((length) => frame(Opcode.text, 'm'.repeat(length), { mask })),
        messages: [0, 1, 2, 3, 4, 5, 7, 8, 63].map((length) => 'm'.repeat(length)),
      };
    }),
    [ourServer],
  );
});
