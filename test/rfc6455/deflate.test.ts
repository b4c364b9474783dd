import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/entry/node.js';
import { frame, Opcode, rawServer, switchingProtocols } from '../support/raw-peer.js';
import { rejected } from '../support/thrown.js';
import { type Case, describeCases } from './cases.js';
import { type MeetingOptions, ourClient } from './halves.js';

/** RFC 7692, which our client supports when the option is set, and our server never does. */
const options: MeetingOptions = {
  maxMessageBytes: 100_000,
  client: { node: { perMessageDeflate: true } },
  headers: ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover'],
};

const COMPRESSED = 4;

/** Without the last four bytes of every such block (7.2.1). */
function compress(text: string | Uint8Array): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

const text = 'compress me, compress me, compress me. '.repeat(10);
const bytes = compress(text);

const allowed: readonly Case[] = [
  {
    section: '7.2.2',
    name: 'a compressed text',
    frames: () => [frame(Opcode.text, bytes, { reserved: COMPRESSED })],
    messages: [text],
  },
  {
    section: '7.2.2',
    name: 'compressed bytes',
    frames: () => [frame(Opcode.binary, bytes, { reserved: COMPRESSED })],
    messages: [Buffer.from(text)],
  },
  { section: '6.2', name: 'a message that is not compressed', frames: () => [frame(Opcode.text, text)], messages: [text] },
  {
    section: '6.2',
    name: 'a compressed message in fragments of one byte, with pings between them',
    frames: () =>
      [...bytes].flatMap((byte, index) => [
        frame(index === 0 ? Opcode.text : Opcode.continuation, Buffer.of(byte), {
          isFinal: index === bytes.length - 1,
          reserved: index === 0 ? COMPRESSED : 0,
        }),
        ...(index % 10 === 0 && index < bytes.length - 1 ? [frame(Opcode.ping, `${index}`)] : []),
      ]),
    messages: [text],
    pongs: [...bytes.keys()].filter((index) => index % 10 === 0 && index < bytes.length - 1).map(String),
  },
  {
    section: '7.2.3.6',
    name: 'an empty message',
    frames: () => [frame(Opcode.text, Buffer.of(0x00), { reserved: COMPRESSED })],
    messages: [''],
  },
  {
    section: '7.2.3.3',
    name: 'a stored block',
    frames: () => [
      frame(Opcode.text, Buffer.from([0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]), { reserved: COMPRESSED }),
    ],
    messages: ['Hello'],
  },
  {
    section: '7.2.3.4',
    name: 'a block with the final bit',
    frames: () => [
      frame(Opcode.text, Buffer.from([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]), { reserved: COMPRESSED }),
      frame(Opcode.text, bytes, { reserved: COMPRESSED }),
    ],
    messages: ['Hello', text],
  },
  {
    section: '7.2.3.5',
    name: 'two blocks in one message',
    frames: () => [
      frame(Opcode.text, Buffer.from([0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]), {
        reserved: COMPRESSED,
      }),
    ],
    messages: ['Hello'],
  },
  {
    section: '10.4',
    name: 'a message that inflates to maxMessageBytes',
    frames: () => [frame(Opcode.text, compress('x'.repeat(100_000)), { reserved: COMPRESSED })],
    messages: ['x'.repeat(100_000)],
  },
];

const forbidden: readonly Case[] = [
  {
    section: '6.1',
    name: 'RSV1 in a continuation',
    frames: () => [
      frame(Opcode.text, bytes.subarray(0, 3), { reserved: COMPRESSED, isFinal: false }),
      frame(Opcode.continuation, bytes.subarray(3), { reserved: COMPRESSED }),
    ],
    fails: 1002,
  },
  ...[Opcode.ping, Opcode.pong, Opcode.close].map(
    (opcode): Case => ({
      section: '6.1',
      name: `RSV1 in a frame of opcode ${opcode}`,
      frames: () => [frame(opcode, '', { reserved: COMPRESSED })],
      fails: 1002,
    }),
  ),
  ...[1, 2, 3, 5, 6, 7].map(
    (reserved): Case => ({
      section: '6.1',
      name: `reserved bits ${reserved.toString(2).padStart(3, '0')}`,
      frames: () => [frame(Opcode.text, bytes, { reserved })],
      fails: 1002,
    }),
  ),
  {
    section: '7.2.2',
    name: 'invalid compressed data',
    frames: () => [frame(Opcode.text, Buffer.from([0xff, 0xff, 0xff]), { reserved: COMPRESSED })],
    fails: 1007,
  },
  {
    section: '8.1',
    name: 'a compressed text that is not UTF-8',
    frames: () => [frame(Opcode.text, compress(Buffer.from([0x66, 0xff])), { reserved: COMPRESSED })],
    fails: 1007,
  },
  {
    section: '10.4',
    name: 'one byte over maxMessageBytes after inflation',
    frames: () => [frame(Opcode.text, compress('x'.repeat(100_001)), { reserved: COMPRESSED })],
    fails: 1009,
  },
  {
    section: '10.4',
    name: 'a few kilobytes that inflate to megabytes',
    frames: () => [frame(Opcode.text, compress(Buffer.alloc(20_000_000, 'x')), { reserved: COMPRESSED })],
    fails: 1009,
  },
];

const given = (cases: readonly Case[]) => cases.map((row) => ({ ...row, options }));

describe('compressed messages that RFC 7692 allows', () => describeCases(given(allowed), [ourClient]));
describe('compressed messages that RFC 7692 forbids', () => describeCases(given(forbidden), [ourClient]));

describe('the compression context', () => {
  it('7.2.2 is kept between messages', async () => {
    const deflate = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH });
    const messages = Array.from({ length: 20 }, (_, index) => `${text} ${index}`);
    const frames: Buffer[] = [];
    for (const message of messages) {
      const block = new Promise<Buffer>((resolve) => deflate.once('data', resolve));
      deflate.write(message);
      frames.push(frame(Opcode.text, (await block).subarray(0, -4), { reserved: COMPRESSED }));
    }
    const meeting = await ourClient.meet(Buffer.concat(frames), { ...options, headers: ['Sec-WebSocket-Extensions: permessage-deflate'] });
    await expect.poll(() => meeting.messages).toEqual(messages);
    expect(frames.at(-1)?.length).toBeLessThan((frames[0] as Buffer).length / 2);
  });
});

describe('messages that our client compresses', () => {
  it('7.2.1 have RSV1 in the first frame only, and inflate to the original text', async () => {
    const meeting = await ourClient.meet(undefined, {
      ...options,
      headers: ['Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover'],
    });
    const received: Buffer[] = [];
    meeting.socket.on('data', (data) => received.push(data));
    const long = text.repeat(100);
    meeting.client.sendMessage(long);
    await expect.poll(() => Buffer.concat(received).length).toBeGreaterThan(6);
    const [first = 0, second = 0, ...rest] = Buffer.concat(received);
    expect([first, second & 0x80]).toEqual([0xc1, 0x80]);
    const at = (second & 0x7f) === 126 ? 2 : 0;
    const payload = Buffer.from(rest.slice(at + 4)).map((byte, index) => byte ^ (rest[at + (index % 4)] as number));
    expect(
      inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH }).toString(),
    ).toBe(long);
  });
});

describe('an invalid extension response', () => {
  it.each([
    ['an extension that was not offered', 'x-unknown'],
    ['two extensions', 'permessage-deflate, x-unknown'],
    ['an unknown parameter', 'permessage-deflate; unknown'],
    ['a parameter twice', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover'],
    ['a window that is too small', 'permessage-deflate; server_max_window_bits=7'],
    ['a window that is too large', 'permessage-deflate; server_max_window_bits=16'],
    ['a window without a size', 'permessage-deflate; server_max_window_bits'],
    ['a malformed list of extensions', 'permessage-deflate; ='],
  ])('7.1 with %s is refused', async (_what, extensions) => {
    await using server = await rawServer((socket, request) =>
      socket.write(switchingProtocols(request, `Sec-WebSocket-Extensions: ${extensions}`)),
    );
    const node = { perMessageDeflate: true };
    expect(await rejected(connect(server.address, { type: 'insecure', reconnect: false, node }))).toMatchObject({ code: 'CONNECT_FAILED' });
  });
});
