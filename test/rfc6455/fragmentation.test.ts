import { randomBytes } from 'node:crypto';
import { describe } from 'vitest';
import { Opcode } from '../support/raw-peer.js';
import { type Case, describeCases } from './cases.js';
import type { MakeFrame } from './halves.js';

const MIB = 1024 * 1024;

/** One message in fragments, with the frames of `between` after each fragment but the last. */
function fragmented(
  frame: MakeFrame,
  opcode: number,
  parts: readonly (string | Uint8Array)[],
  between: (index: number) => readonly Buffer[] = () => [],
): Buffer[] {
  const last = parts.length - 1;
  return parts.flatMap((part, index) => [
    frame(index === 0 ? opcode : Opcode.continuation, part, { isFinal: index === last }),
    ...(index === last ? [] : between(index)),
  ]);
}

function pieces(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

const whole = Buffer.from('A message in many pieces: Grüße, 你好, 💎.');

const allowed: readonly Case[] = [
  {
    section: '5.4',
    name: 'text in two fragments',
    frames: (frame) => fragmented(frame, Opcode.text, ['one ', 'message']),
    messages: ['one message'],
  },
  {
    section: '5.4',
    name: 'binary in two fragments',
    frames: (frame) => fragmented(frame, Opcode.binary, ['one ', 'message']),
    messages: [Buffer.from('one message')],
  },
  {
    section: '5.4',
    name: 'fragments of one byte',
    frames: (frame) => fragmented(frame, Opcode.text, pieces(whole, 1)),
    messages: [whole.toString()],
  },
  {
    section: '5.4',
    name: 'an empty first fragment',
    frames: (frame) => fragmented(frame, Opcode.text, ['', 'message']),
    messages: ['message'],
  },
  {
    section: '5.4',
    name: 'an empty fragment in the middle',
    frames: (frame) => fragmented(frame, Opcode.text, ['one ', '', 'message']),
    messages: ['one message'],
  },
  {
    section: '5.4',
    name: 'an empty last fragment',
    frames: (frame) => fragmented(frame, Opcode.text, ['message', '']),
    messages: ['message'],
  },
  { section: '5.4', name: 'nothing but empty fragments', frames: (frame) => fragmented(frame, Opcode.text, ['', '', '']), messages: [''] },
  {
    section: '5.4',
    name: 'nothing but empty fragments, binary',
    frames: (frame) => fragmented(frame, Opcode.binary, ['', '', '']),
    messages: [new Uint8Array()],
  },
  {
    section: '5.4',
    name: 'a thousand empty fragments',
    frames: (frame) => fragmented(frame, Opcode.text, ['a', ...Array<string>(1_000).fill(''), 'b']),
    messages: ['ab'],
  },
  {
    section: '5.4',
    name: 'fragments on both sides of every boundary of the length field',
    frames: (frame) =>
      fragmented(
        frame,
        Opcode.binary,
        [125, 126, 127, 65_535, 65_536].map((length) => Buffer.alloc(length, length)),
      ),
    messages: [Buffer.concat([125, 126, 127, 65_535, 65_536].map((length) => Buffer.alloc(length, length)))],
    options: { maxMessageBytes: 200_000 },
  },
  {
    section: '5.4',
    name: 'text, then binary, then text, each in fragments',
    frames: (frame) => [Opcode.text, Opcode.binary, Opcode.text].flatMap((opcode) => fragmented(frame, opcode, ['a', 'b', 'c'])),
    messages: ['abc', Buffer.from('abc'), 'abc'],
  },
  {
    section: '5.5',
    name: 'a ping between fragments, answered before the message is complete',
    frames: (frame) => fragmented(frame, Opcode.text, ['one ', 'message'], () => [frame(Opcode.ping, 'still there?')]),
    messages: ['one message'],
    pongs: ['still there?'],
  },
  {
    section: '5.5',
    name: 'a ping and a pong after every byte',
    frames: (frame) =>
      fragmented(frame, Opcode.text, pieces(whole, 1), (index) => [frame(Opcode.ping, `${index}`), frame(Opcode.pong, 'unasked')]),
    messages: [whole.toString()],
    pongs: Array.from({ length: whole.length - 1 }, (_, index) => `${index}`),
  },
  {
    section: '5.5',
    name: 'the largest control frames between empty fragments',
    frames: (frame) =>
      fragmented(frame, Opcode.binary, ['', '', 'x', ''], (index) => [
        frame(Opcode.ping, `${index}`.repeat(125)),
        frame(Opcode.pong, Buffer.alloc(125)),
      ]),
    messages: [Buffer.from('x')],
    pongs: ['0', '1', '2'].map((digit) => digit.repeat(125)),
  },
];

const large = randomBytes(4 * MIB);

/** No more pings than may have pending pongs at once, however the bytes are split. */
const FRAGMENTS_FOR_A_PING = 2_048;

const extreme: readonly Case[] = [64, 65, 256, 65_535].flatMap((size): Case[] => [
  {
    section: '5.4',
    name: `4 MiB in fragments of ${size} bytes`,
    frames: (frame) => fragmented(frame, Opcode.binary, pieces(large, size)),
    messages: [large],
    options: { maxMessageBytes: 4 * MIB },
  },
  {
    section: '5.5',
    name: `4 MiB of text in fragments of ${size} bytes, with pings among them`,
    frames: (frame) =>
      fragmented(frame, Opcode.text, pieces(Buffer.alloc(4 * MIB, 'text '), size), (index) =>
        index % FRAGMENTS_FOR_A_PING === 1 ? [frame(Opcode.ping, 'there?')] : [],
      ),
    messages: [Buffer.alloc(4 * MIB, 'text ').toString()],
    pongs: Array<string>(Math.ceil((Math.ceil((4 * MIB) / size) - 2) / FRAGMENTS_FOR_A_PING)).fill('there?'),
    options: { maxMessageBytes: 4 * MIB },
  },
]);

const forbidden: readonly Case[] = [
  { section: '5.4', name: 'a continuation without a message', frames: (frame) => [frame(Opcode.continuation, 'of nothing')], fails: 1002 },
  {
    section: '5.4',
    name: 'a continuation without a message that is not final',
    frames: (frame) => [frame(Opcode.continuation, 'of nothing', { isFinal: false })],
    fails: 1002,
  },
  {
    section: '5.4',
    name: 'a continuation after an unfragmented message',
    frames: (frame) => [frame(Opcode.text, 'whole'), frame(Opcode.continuation, 'and more')],
    messages: ['whole'],
    fails: 1002,
  },
  {
    section: '5.4',
    name: 'a continuation after a complete fragmented message',
    frames: (frame) => [...fragmented(frame, Opcode.text, ['a', 'b']), frame(Opcode.continuation, 'c')],
    messages: ['ab'],
    fails: 1002,
  },
  ...[Opcode.text, Opcode.binary].flatMap((first) =>
    [Opcode.text, Opcode.binary].flatMap((second) =>
      [true, false].map(
        (isFinal): Case => ({
          section: '5.4',
          name: `opcode ${second}${isFinal ? '' : ' in fragments'} within a message of opcode ${first}`,
          frames: (frame) => [frame(first, 'a', { isFinal: false }), frame(second, 'b', { isFinal }), frame(Opcode.continuation, 'c')],
          fails: 1002,
        }),
      ),
    ),
  ),
  {
    section: '10.4',
    name: 'fragments that exceed maxMessageBytes together',
    frames: (frame) => fragmented(frame, Opcode.binary, [new Uint8Array(600), new Uint8Array(401)]),
    fails: 1009,
    options: { maxMessageBytes: 1_000 },
  },
];

describe('fragments that RFC 6455 allows', () => describeCases(allowed));
describe('extreme fragments', () => describeCases(extreme));
describe('fragments that RFC 6455 forbids', () => describeCases(forbidden));
