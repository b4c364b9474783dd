import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attach, type ServerClient } from '../../src/entry/server.js';
import { closeFrame, frame, Opcode } from '../support/raw-peer.js';
import { type Case, describeCases } from './cases.js';
import type { MakeFrame } from './halves.js';
import { StrictReader } from './strict-reader.js';

const KIB = 1024;

function inFragments(make: MakeFrame, count: number, bytes: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    make(index === 0 ? Opcode.binary : Opcode.continuation, Buffer.alloc(bytes, 1), { isFinal: index === count - 1 }),
  );
}

/** The maximum number of frames of a message: one for every 64 bytes of maxMessageBytes, but at least 16,384. */
const bounds: readonly (readonly [maxMessageBytes: number, fragments: number])[] = [
  [100, 16_384],
  [64 * KIB, 16_384],
  [1_024 * KIB, 16_384],
  [1_024 * KIB + 1, 16_385],
  [4 * KIB * KIB, 65_536],
];

const fragments = bounds.flatMap(([maxMessageBytes, count]): Case[] => {
  const bytes = Math.floor(maxMessageBytes / count);
  return [
    {
      section: '10.4',
      name: `${count} fragments of ${bytes} bytes, the maximum for maxMessageBytes ${maxMessageBytes}`,
      frames: (make) => inFragments(make, count, bytes),
      messages: [Buffer.alloc(count * bytes, 1)],
      options: { maxMessageBytes },
    },
    {
      section: '10.4',
      name: `one fragment more than the maximum for maxMessageBytes ${maxMessageBytes}`,
      frames: (make) => inFragments(make, count + 1, 0),
      fails: 1008,
      options: { maxMessageBytes },
    },
  ];
});

describe('the fragments of one message', () => {
  describeCases(fragments);
  describeCases([
    {
      section: '10.4',
      name: 'are counted from zero for the next message',
      frames: (make) => [1, 2, 3].flatMap(() => inFragments(make, 16_384, 1)),
      messages: [1, 2, 3].map(() => Buffer.alloc(16_384, 1)),
      options: { maxMessageBytes: 64 * KIB },
    },
    {
      section: '10.4',
      name: 'do not include the control frames among them',
      frames: (make) => inFragments(make, 16_384, 1).flatMap((fragment) => [make(Opcode.pong), make(Opcode.pong), fragment]),
      messages: [Buffer.alloc(16_384, 1)],
      options: { maxMessageBytes: 64 * KIB },
    },
  ]);
});

/** A connection that delivers exactly the given pieces, which real TCP does not guarantee. */
class Pieces extends Duplex {
  readonly wrote = new StrictReader('server');
  #head = '';

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    if (this.#head.includes('\r\n\r\n')) this.wrote.push(bytes);
    else this.#answer(bytes);
    done();
  }

  /** Our server ends its side, and so does the peer. */
  override _final(done: () => void): void {
    this.push(null);
    done();
  }

  #answer(bytes: Buffer): void {
    this.#head += bytes.toString('latin1');
    const [, ...frames] = this.#head.split('\r\n\r\n');
    this.wrote.push(Buffer.from(frames.join('\r\n\r\n'), 'latin1'));
  }

  async deliver(bytes: Uint8Array): Promise<void> {
    // Its own chunk, as the socket creates it.
    this.push(Buffer.from(new Uint8Array(bytes)));
    await new Promise((resolve) => process.nextTick(resolve));
  }
}

async function accepted(maxMessageBytes: number): Promise<{ socket: Pieces; client: ServerClient; messages: Uint8Array[] }> {
  const http = createServer();
  const server = attach(http, { maxMessageBytes });
  onTestFinished(() => server.close({ graceMs: 1 }));
  const accepting = new Promise<ServerClient>((resolve) => server.on('connection', resolve));
  const socket = new Pieces();
  http.emit('connection', socket);
  await socket.deliver(
    Buffer.from(
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    ),
  );
  const client = await accepting;
  const messages: Uint8Array[] = [];
  client.on('message', (message) => void messages.push(message as Uint8Array));
  return { socket, client, messages };
}

/** The header of the frame, then its payload in pieces of the given size. */
async function deliverFrame(socket: Pieces, length: number, chunkBytes: number): Promise<void> {
  const bytes = frame(Opcode.binary, Buffer.alloc(length, 1), { mask: Buffer.alloc(4) });
  const head = bytes.length - length;
  await socket.deliver(bytes.subarray(0, head));
  for (let at = head; at < bytes.length; at += chunkBytes) await socket.deliver(bytes.subarray(at, at + chunkBytes));
}

describe('the pieces in which the socket delivers one frame', () => {
  it.each([
    [64 * KIB, 8_192],
    [8 * KIB * KIB, 8_192],
    [9 * KIB * KIB, 9_216],
  ])('with maxMessageBytes %i may be %i', async (maxMessageBytes, chunks) => {
    const { socket, client, messages } = await accepted(maxMessageBytes);
    await deliverFrame(socket, chunks, 1);
    await socket.deliver(frame(Opcode.close, closeFrame(1000).subarray(2), { mask: Buffer.alloc(4) }));
    await expect.poll(() => client.state).toBe('closed');
    expect(messages.map(({ length }) => length)).toEqual([chunks]);
    expect(socket.wrote).toMatchObject({ faults: [], closeCode: 1000 });
  });

  it.each([
    [64 * KIB, 8_192],
    [9 * KIB * KIB, 9_216],
  ])('with maxMessageBytes %i may not be more than %i', async (maxMessageBytes, chunks) => {
    const { socket, client, messages } = await accepted(maxMessageBytes);
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    await deliverFrame(socket, chunks + 1, 1);
    await expect.poll(() => client.state).toBe('closed');
    expect(messages).toEqual([]);
    expect(errors).toMatchObject([
      { code: 'PROTOCOL_ERROR', context: { closeCode: 1008 }, message: expect.stringContaining('maxMessageBytes') },
    ]);
    expect(socket.wrote).toMatchObject({ faults: [], closeCode: 1008 });
  });

  it('may each be a TCP segment for the largest message of a client: 16 MiB', async () => {
    const { socket, messages } = await accepted(16 * KIB * KIB);
    await deliverFrame(socket, 16 * KIB * KIB, 1_220);
    await expect.poll(() => messages.map(({ length }) => length)).toEqual([16 * KIB * KIB]);
  });
});
