import { describe } from 'vitest';
import { Opcode } from '../support/raw-peer.js';
import { type Case, describeCases } from './cases.js';
import type { MakeFrame } from './halves.js';

/** Both ends of each row of RFC 3629's table, and the values next to its gaps. */
const VALID: Readonly<Record<string, string>> = {
  'U+0000': '\0',
  'U+007F': '\x7f',
  'U+0080, the first of two bytes': '\u0080',
  'U+07FF, the last of two bytes': '\u07ff',
  'U+0800, the first of three bytes': '\u0800',
  'U+0FFF and U+1000': '\u0fff\u1000',
  'U+CFFF and U+D000': '\ucfff\ud000',
  'U+D7FF, before the surrogates': '\ud7ff',
  'U+E000, behind the surrogates': '\ue000',
  'U+FEFF, a byte order mark, which is kept': '\ufefftext\ufeff',
  'U+FFFD, the replacement character': '\ufffd',
  'U+FFFE and U+FFFF, which are no characters': '\ufffe\uffff',
  'U+10000, the first of four bytes': '\u{10000}',
  'U+3FFFF and U+40000': '\u{3ffff}\u{40000}',
  'U+FFFFF and U+100000': '\u{fffff}\u{100000}',
  'U+10FFFF, the last of all': '\u{10ffff}',
  'a text of all lengths': 'a£€💎, κόσμε, 👩‍👩‍👧‍👦 and é',
};

/** By the reason why each is not UTF-8; in hexadecimal. */
const INVALID: Readonly<Record<string, readonly string[]>> = {
  'a continuation byte with nothing before it': ['80', 'bf', '80bf', '8080808080', 'c28080', 'e282acac', 'f09f928e8e'],
  'a first byte that there is not': ['c0', 'c1', 'f5', 'f8', 'fc', 'fe', 'ff', 'fffe', 'f5808080', 'f888808080', 'fc8480808080'],
  'a sequence that is cut off': [
    'c2',
    'df',
    'e0',
    'e0a0',
    'ed9f',
    'efbf',
    'f0',
    'f090',
    'f09080',
    'f48fbf',
    'c220',
    'e28220',
    'f09f9220',
    'c2c2a2',
  ],
  'more bytes than it needs': ['c080', 'c1bf', 'c0af', 'e08080', 'e080af', 'e09fbf', 'f0808080', 'f08080af', 'f08fbfbf'],
  'a surrogate': ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf', 'eda080edb080', 'eda1bdedb08e', 'edafbfedbfbf'],
  'beyond U+10FFFF': ['f4908080', 'f4bfbfbf', 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'],
  'a second byte of the wrong kind': ['c27f', 'c2c0', 'e09f80', 'e0c080', 'eda000', 'f08f8080', 'f0c08080', 'f4907f80'],
};

function inFragments(frame: MakeFrame, parts: readonly Uint8Array[]): Buffer[] {
  return parts.map((part, index) => frame(index === 0 ? Opcode.text : Opcode.continuation, part, { isFinal: index === parts.length - 1 }));
}

function bytesOf(text: Buffer): Buffer[] {
  return [...text].map((byte) => Buffer.of(byte));
}

const valid = Object.entries(VALID).flatMap(([name, text]): Case[] => {
  const bytes = Buffer.from(text);
  const cuts = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [
    { section: '5.6', name, frames: (frame) => [frame(Opcode.text, bytes)], messages: [text] },
    {
      section: '5.6',
      name: `${name}, in two fragments that are cut at each byte in turn`,
      frames: (frame) => cuts.flatMap((parts) => inFragments(frame, parts)),
      messages: cuts.map(() => text),
    },
    { section: '5.6', name: `${name}, a fragment for each byte`, frames: (frame) => inFragments(frame, bytesOf(bytes)), messages: [text] },
  ];
});

/** The RFC lets an endpoint validate at the end of the message, as ours does; invalid text is never delivered. */
const invalid = Object.entries(INVALID).flatMap(([name, all]) =>
  all.flatMap((hex): Case[] => {
    const wrong = Buffer.from(hex, 'hex');
    const embedded = Buffer.concat([Buffer.from('κόσμε '), wrong, Buffer.from(' κόσμε')]);
    return [
      { section: '8.1', name: `${name}: ${hex}`, frames: (frame) => [frame(Opcode.text, wrong)], fails: 1007 },
      {
        section: '8.1',
        name: `${name}: ${hex}, a fragment for each byte`,
        frames: (frame) => inFragments(frame, bytesOf(embedded)),
        fails: 1007,
      },
      {
        section: '5.5.1',
        name: `${name}: ${hex}, in the reason of a close frame`,
        frames: (frame) => [frame(Opcode.close, Buffer.concat([Buffer.of(0x03, 0xe8), embedded]))],
        fails: 1007,
      },
      {
        section: '5.6',
        name: `${name}: ${hex}, in a binary message and a ping`,
        frames: (frame) => [frame(Opcode.binary, wrong), frame(Opcode.ping, wrong)],
        messages: [wrong],
        pongs: [wrong.toString('latin1')],
      },
    ];
  }),
);

describe('text that is UTF-8', () => describeCases(valid));
describe('text that is not UTF-8', () => describeCases(invalid));
