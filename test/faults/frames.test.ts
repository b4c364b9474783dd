import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connect, type IWebsocketClient, type WebsocketError } from '../../src/entry/node.js';
import { closeFrame, frame, Opcode, rawWebsocketServer } from '../support/raw-peer.js';

/** What the client reads, and how it ends, when a server writes these bytes and nothing else. */
async function reading(
  bytes: Buffer,
): Promise<{ messages: unknown[]; errors: WebsocketError[]; client: IWebsocketClient; answer: Buffer }> {
  await using server = await rawWebsocketServer((socket) => socket.write(bytes));
  const errors: WebsocketError[] = [];
  const client = await connect(server.address, { type: 'insecure', reconnect: false, maxMessageBytes: 100_000 });
  client.on('error', (error) => errors.push(error));
  const answer = collect(server.sockets[0] as Socket);
  const messages: unknown[] = [];
  for await (const message of client) messages.push(message);
  return { messages, errors, client, answer: await answer };
}

async function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => socket.end());
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks);
}

/** The code in the close frame that a client answers with, unmasked. */
function closeCodeOf(answer: Buffer): number {
  const at = answer.indexOf(0x88);
  return (answer.readUInt16BE(at + 6) ^ answer.readUInt16BE(at + 2)) as number;
}

const goodbye = closeFrame(1000, 'done');

describe('frames that RFC 6455 allows', () => {
  it('a message in three fragments, with a ping between them', async () => {
    const { messages } = await reading(
      Buffer.concat([
        frame(Opcode.text, 'one ', { isFinal: false }),
        frame(Opcode.ping, 'still there?'),
        frame(Opcode.continuation, 'two ', { isFinal: false }),
        frame(Opcode.continuation, 'three'),
        goodbye,
      ]),
    );
    expect(messages).toEqual(['one two three']);
  });

  it('a character whose bytes are in two fragments', async () => {
    const gem = Buffer.from('💎');
    const { messages } = await reading(
      Buffer.concat([frame(Opcode.text, gem.subarray(0, 1), { isFinal: false }), frame(Opcode.continuation, gem.subarray(1)), goodbye]),
    );
    expect(messages).toEqual(['💎']);
  });

  it('empty messages, of text, of bytes, and in empty fragments', async () => {
    const { messages } = await reading(
      Buffer.concat([
        frame(Opcode.text),
        frame(Opcode.binary),
        frame(Opcode.binary, '', { isFinal: false }),
        frame(Opcode.continuation),
        goodbye,
      ]),
    );
    expect(messages).toEqual(['', new Uint8Array(), new Uint8Array()]);
  });

  it.each([125, 126, 65_535, 65_536, 65_537])('%i bytes: every length of the length field', async (size) => {
    const bytes = randomBytes(size);
    const { messages } = await reading(Buffer.concat([frame(Opcode.binary, bytes), frame(Opcode.text, 'x'.repeat(size)), goodbye]));
    expect(messages[0]).toBeInstanceOf(Uint8Array);
    expect(Buffer.compare(messages[0] as Uint8Array, bytes)).toBe(0);
    expect(messages[1]).toBe('x'.repeat(size));
  });

  it('4 MiB in fragments of 64 bytes', async () => {
    const fragments = Array.from({ length: 65_536 }, (_, index) =>
      frame(index === 0 ? Opcode.binary : Opcode.continuation, Buffer.alloc(64, index), { isFinal: index === 65_535 }),
    );
    await using server = await rawWebsocketServer((socket) => socket.write(Buffer.concat([...fragments, goodbye])));
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    const sizes: number[] = [];
    for await (const message of client) sizes.push(message.length);
    expect(sizes).toEqual([4 * 1024 * 1024]);
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
  });

  it('bytes that arrive one at a time', async () => {
    await using server = await rawWebsocketServer(() => {});
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    for (const byte of Buffer.concat([frame(Opcode.text, 'slow but sure'), goodbye])) {
      await new Promise((resolve) => server.sockets[0]?.write(Buffer.from([byte]), resolve));
    }
    const messages: unknown[] = [];
    for await (const message of client) messages.push(message);
    expect(messages).toEqual(['slow but sure']);
  });

  it('a close frame without a code is 1005, and clean', async () => {
    const { client } = await reading(frame(Opcode.close));
    expect(await client.close()).toEqual({ code: 1005, reason: '', wasClean: true });
  });

  it('a message stands in a buffer of its own, not in a view of the socket', async () => {
    const { messages } = await reading(Buffer.concat([frame(Opcode.binary, 'abc'), frame(Opcode.binary, 'defg'), goodbye]));
    expect(messages.map((message) => (message as Uint8Array).buffer.byteLength)).toEqual([3, 4]);
  });
});

describe('frames that RFC 6455 forbids end the connection, after what came before them', () => {
  const before = frame(Opcode.text, 'before');
  const forbidden: readonly [string, Buffer, number][] = [
    ['invalid UTF-8 in a text message', frame(Opcode.text, Buffer.from([0x66, 0xff, 0x6f])), 1007],
    ['a UTF-8 sequence that is cut off', frame(Opcode.text, Buffer.from([0xf0, 0x9f])), 1007],
    ['a masked frame', frame(Opcode.text, 'masked', { mask: Buffer.from('mask') }), 1002],
    ['a reserved bit', frame(Opcode.text, 'reserved', { reserved: 4 }), 1002],
    ['an unknown data opcode', frame(3, 'unknown'), 1002],
    ['an unknown control opcode', frame(11, 'unknown'), 1002],
    ['a continuation of nothing', frame(Opcode.continuation, 'of nothing'), 1002],
    ['a new message in the middle of another', Buffer.concat([frame(Opcode.text, 'a', { isFinal: false }), frame(Opcode.text, 'b')]), 1002],
    ['a ping of 126 bytes', frame(Opcode.ping, 'x'.repeat(126)), 1002],
    ['a ping in fragments', frame(Opcode.ping, 'x', { isFinal: false }), 1002],
    ['a close frame of one byte', frame(Opcode.close, 'x'), 1002],
    ['a close frame with code 1005', closeFrame(1005), 1002],
    ['a close frame with invalid UTF-8', frame(Opcode.close, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['a message over maxMessageBytes', frame(Opcode.binary, Buffer.alloc(100_001)), 1009],
    [
      'fragments that are over maxMessageBytes together',
      Buffer.concat([frame(Opcode.binary, Buffer.alloc(60_000), { isFinal: false }), frame(Opcode.continuation, Buffer.alloc(60_000))]),
      1009,
    ],
    ['a length of 2^63', Buffer.from([0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ];

  it.each(forbidden)('%s', async (_, bytes, code) => {
    const { messages, errors, client, answer } = await reading(Buffer.concat([before, bytes, frame(Opcode.text, 'after')]));
    expect(messages).toEqual(['before']);
    expect(errors.map((error) => error.code)).toEqual([code === 1009 ? 'MESSAGE_TOO_BIG' : 'PROTOCOL_ERROR']);
    expect(errors[0]?.context.closeCode).toBe(code);
    expect(await client.close()).toMatchObject({ code, wasClean: false });
    expect(closeCodeOf(answer)).toBe(code);
  });

  it('a message of the largest size is taken', async () => {
    const { messages } = await reading(Buffer.concat([frame(Opcode.binary, Buffer.alloc(100_000)), goodbye]));
    expect(messages.map((message) => (message as Uint8Array).length)).toEqual([100_000]);
  });

  it('is not tried again: the same bytes would come again', async () => {
    await using server = await rawWebsocketServer((socket) => socket.write(frame(3)));
    const client = await connect(server.address, { type: 'insecure', reconnect: { minDelayMs: 1, maxDelayMs: 1 } });
    await new Promise((resolve) => client.on('close', resolve));
    expect(server.sockets).toHaveLength(1);
  });
});

describe('a flood of pings', () => {
  const ping = (index: number) => frame(Opcode.ping, `ping ${index}`);

  it('in one packet: pongs are sent, the last ping has its own, and messages pass', async () => {
    await using server = await rawWebsocketServer((socket) =>
      socket.write(Buffer.concat([...Array.from({ length: 5_000 }, (_, index) => ping(index)), frame(Opcode.text, 'through')])),
    );
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    const pongs = payloadsOf(server.sockets[0] as Socket);
    const { value } = await client[Symbol.asyncIterator]().next();
    expect(value).toBe('through');
    await expect.poll(() => pongs.at(-1)).toBe('ping 4999');
    expect(client.isConnectionOpen()).toBe(true);
    expect(await endOf(client, server)).toBe(true);
  });

  it('one by one: each has its pong, in order', async () => {
    await using server = await rawWebsocketServer(() => {});
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    const pongs = payloadsOf(server.sockets[0] as Socket);
    for (let index = 0; index < 100; index++) {
      server.sockets[0]?.write(ping(index));
      await expect.poll(() => pongs.length, { interval: 1 }).toBe(index + 1);
    }
    expect(pongs).toEqual(Array.from({ length: 100 }, (_, index) => `ping ${index}`));
    expect(await endOf(client, server)).toBe(true);
  });

  it('from a server that reads no answers: memory is bounded, and messages pass', async () => {
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(Opcode.ping, 'x'.repeat(125))));
    await using server = await rawWebsocketServer((socket) => socket.pause());
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    const socket = server.sockets[0] as Socket;
    for (let round = 0; round < 200; round++) {
      if (!socket.write(pings)) await new Promise((resolve) => socket.once('drain', resolve));
    }
    socket.write(frame(Opcode.text, 'through'));
    const { value } = await client[Symbol.asyncIterator]().next();
    expect(value).toBe('through');
    expect(client.bufferedBytes).toBeLessThan(64 * 1024);
    expect(await endOf(client, server)).toBe(true);
  });
});

/** The payloads of the short frames that a client sends, unmasked, as they come. */
function payloadsOf(socket: Socket): string[] {
  const payloads: string[] = [];
  let rest = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let size = (rest[1] ?? 0) & 0x7f; rest.length >= 6 + size && rest.length >= 2; size = (rest[1] ?? 0) & 0x7f) {
      const mask = rest.subarray(2, 6);
      payloads.push(Buffer.from(rest.subarray(6, 6 + size).map((byte, index) => byte ^ (mask[index % 4] as number))).toString());
      rest = rest.subarray(6 + size);
    }
  });
  return payloads;
}

async function endOf(client: IWebsocketClient, server: AsyncDisposable): Promise<boolean> {
  await server[Symbol.asyncDispose]();
  const { code } = await new Promise<{ code: number }>((resolve) => client.on('close', resolve));
  return code === 1006;
}
