import { describe } from 'vitest';
import { Opcode } from '../support/raw-peer.js';
import { type Case, describeCases } from './cases.js';

const binary = Buffer.from([0x00, 0xff, 0xc3, 0x28, 0x80, 0x0a]);

const control = { close: Opcode.close, ping: Opcode.ping, pong: Opcode.pong };

const allowed: readonly Case[] = [
  ...[0, 1, 124, 125].map(
    (length): Case => ({
      section: '5.5.3',
      name: `a ping of ${length} bytes is answered with a pong of the same bytes`,
      frames: (frame) => [frame(Opcode.ping, 'p'.repeat(length))],
      pongs: ['p'.repeat(length)],
    }),
  ),
  {
    section: '5.5.3',
    name: 'a ping whose bytes are not text',
    frames: (frame) => [frame(Opcode.ping, binary)],
    pongs: [binary.toString('latin1')],
  },
  {
    section: '5.5.3',
    name: 'sixty pings are answered in order',
    frames: (frame) => Array.from({ length: 60 }, (_, index) => frame(Opcode.ping, `${index}`)),
    pongs: Array.from({ length: 60 }, (_, index) => `${index}`),
  },
  ...[0, 1, 125].map(
    (length): Case => ({
      section: '5.5.3',
      name: `an unsolicited pong of ${length} bytes is not answered`,
      frames: (frame) => [frame(Opcode.pong, 'p'.repeat(length))],
    }),
  ),
];

const forbidden: readonly Case[] = Object.entries(control).flatMap(([name, opcode]): Case[] => [
  ...[126, 127, 65_535, 65_536].map(
    (length): Case => ({
      section: '5.5',
      name: `a ${name} frame of ${length} bytes`,
      frames: (frame) => [frame(opcode, 'x'.repeat(length))],
      fails: 1002,
    }),
  ),
  ...([16, 64] as const).map(
    (lengthBits): Case => ({
      section: '5.5',
      name: `a ${name} frame with a length field of ${lengthBits} bits`,
      frames: (frame) => [frame(opcode, '', { lengthBits })],
      fails: 1002,
    }),
  ),
  {
    section: '5.5',
    name: `a fragmented ${name} frame`,
    frames: (frame) => [frame(opcode, '', { isFinal: false }), frame(Opcode.continuation)],
    fails: 1002,
  },
  {
    section: '5.5',
    name: `a fragmented ${name} frame within a fragmented message`,
    frames: (frame) => [
      frame(Opcode.text, 'a', { isFinal: false }),
      frame(opcode, '', { isFinal: false }),
      frame(Opcode.continuation, 'b'),
    ],
    fails: 1002,
  },
]);

describe('control frames that RFC 6455 allows', () => describeCases(allowed));
describe('control frames that RFC 6455 forbids', () => describeCases(forbidden));
