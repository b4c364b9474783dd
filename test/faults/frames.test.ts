import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import { closeFrame, frame, Opcode, rawWebsocketServer } from '../support/raw-peer.js';

describe('frames of a server', () => {
  it("a message has its own buffer, not a view of the socket's", async () => {
    await using server = await rawWebsocketServer((socket) =>
      socket.write(Buffer.concat([frame(Opcode.binary, 'abc'), frame(Opcode.binary, 'defg'), closeFrame(1000)])),
    );
    const client = await connect(server.address, { type: 'insecure', reconnect: false });
    const sizes: number[] = [];
    for await (const message of client) sizes.push((message as Uint8Array).buffer.byteLength);
    expect(sizes).toEqual([3, 4]);
  });

  it('that violate the protocol end the connection without a reconnect, because the server would repeat them', async () => {
    await using server = await rawWebsocketServer((socket) => socket.write(frame(3)));
    const client = await connect(server.address, { type: 'insecure', reconnect: { minDelayMs: 1, maxDelayMs: 1 } });
    await new Promise((resolve) => client.on('close', resolve));
    expect(server.sockets).toHaveLength(1);
  });
});

describe('a flood of pings', () => {
  const ping = (index: number) => frame(Opcode.ping, `ping ${index}`);

  it('in one packet is answered with pongs, the last ping has its own pong, and messages pass', async () => {
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

  it('one at a time is answered with one pong each, in order', async () => {
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

  it('from a server that does not read the pongs keeps memory bounded, and messages pass', async () => {
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

/** The payloads of a client's short frames, unmasked, as they arrive. */
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
