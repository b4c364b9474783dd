import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { type ClientOptions, connect, type IWebsocketClient, streams, WebsocketClient } from '../../src/entry/node.js';
import { limit } from '../support/pace.js';
import { closeFrame, rawWebsocketServer } from '../support/raw-peer.js';
import { startWs, type WsServer } from '../support/ws-server.js';

const KB = 1024;

let ws: WsServer;
let peer: WebSocket;
let received: (string | Buffer)[];
let ended: Promise<{ code: number; reason: string }>;
beforeEach(async () => {
  ws = await startWs();
  received = [];
});
afterEach(() => ws.end());

async function open(options: ClientOptions = {}): Promise<IWebsocketClient> {
  const accepted = once(ws.server, 'connection');
  const client = await connect(`127.0.0.1:${ws.port}`, { type: 'insecure', reconnect: false, closeTimeoutMs: limit(10_000), ...options });
  [peer] = (await accepted) as [WebSocket];
  peer.on('message', (message: Buffer, isBinary) => received.push(isBinary ? message : String(message)));
  peer.on('error', () => {});
  ended = new Promise((resolve) => peer.on('close', (code, reason) => resolve({ code, reason: String(reason) })));
  return client;
}

/** Sends numbered messages until one is refused, and returns how many were accepted. */
function fill(client: IWebsocketClient, messageBytes: number): { accepted: number; error: unknown } {
  for (let accepted = 0; ; accepted++) {
    try {
      client.sendMessage(`${accepted} `.padEnd(messageBytes, '.'));
    } catch (error) {
      return { accepted, error };
    }
  }
}

function numbersReceived(): number[] {
  return received.map((message) => Number.parseInt(String(message), 10));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

describe('a peer that reads slowly', () => {
  it('fills the outbox to its bound and no further; then all messages arrive in order', async () => {
    const client = await open({ outbox: { highWaterBytes: 256 * KB, maxBytes: 1024 * KB } });
    peer.pause();
    const { accepted, error } = fill(client, 8 * KB);
    expect(error).toMatchObject({ code: 'OUTBOX_FULL', context: { limit: 1024 * KB, size: 8 * KB, buffered: client.bufferedBytes } });
    expect(client.bufferedBytes).toBeLessThanOrEqual(1024 * KB);
    expect(client.bufferedBytes).toBeGreaterThan(1000 * KB);
    peer.resume();
    await client.drained();
    await client.close();
    expect(numbersReceived()).toEqual(upTo(accepted));
    expect(client.stats).toMatchObject({ messagesSent: accepted, bytesSent: accepted * 8 * KB });
  });

  it('makes send() return false from the high-water mark on, and drained() resolves at half of it', async () => {
    const client = await open({ outbox: { highWaterBytes: 512 * KB, maxBytes: 64 * KB * KB } });
    peer.pause();
    let sent = 0;
    while (client.sendMessage(`${sent} `.padEnd(8 * KB, '.'))) {
      sent += 1;
      expect(client.bufferedBytes).toBeLessThan(512 * KB);
      // The kernel's buffers fill first, over several turns.
      if (sent % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(client.bufferedBytes).toBeGreaterThanOrEqual(512 * KB);
    let isDrained = false;
    const drained = client.drained().then(() => {
      isDrained = true;
      expect(client.bufferedBytes).toBeLessThanOrEqual(256 * KB);
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDrained).toBe(false);
    peer.resume();
    await drained;
    await client.close();
    expect(numbersReceived()).toEqual(upTo(sent + 1));
  });

  it('receives the last state, not every missed one, when messages are sent as `latest`', async () => {
    const client = await open();
    peer.pause();
    let filler = 0;
    do client.sendMessage(`${filler++} `.padEnd(64 * KB, '.'));
    while (client.bufferedBytes < 256 * KB || (await stillFalls(client)));
    for (let position = 0; position < 1_000; position++) client.sendMessage(`x ${position}`, { latest: 'position' });
    expect(client.stats.messagesShed).toBe(999);
    peer.resume();
    await client.close();
    expect(received.filter((message) => String(message).startsWith('x'))).toEqual(['x 999']);
    expect(received).toHaveLength(filler + 1);
  });

  it('does not receive `volatile` messages that cannot be sent immediately; the sender counts them', async () => {
    const client = await open();
    peer.pause();
    do client.sendMessage('.'.repeat(64 * KB));
    while (client.bufferedBytes < 256 * KB || (await stillFalls(client)));
    for (let position = 0; position < 10; position++) client.sendMessage(`x ${position}`, 'volatile');
    expect(client.stats.messagesShed).toBe(10);
    peer.resume();
    await client.close();
    expect(received.filter((message) => String(message).startsWith('x'))).toEqual([]);
  });

  it('slows down a writer of streams', async () => {
    const client = await open({ outbox: { highWaterBytes: 128 * KB, maxBytes: 512 * KB } });
    peer.pause();
    const writer = streams(client).writable.getWriter();
    let peak = 0;
    const writing = (async () => {
      for (let number = 0; number < 500; number++) {
        await writer.write(`${number} `.padEnd(32 * KB, '.'));
        peak = Math.max(peak, client.bufferedBytes);
      }
      await writer.close();
    })();
    await expect.poll(() => stillFalls(client).then((falls) => !falls && client.bufferedBytes > 32 * KB)).toBe(true);
    peer.resume();
    await writing;
    expect(peak).toBeLessThanOrEqual(192 * KB);
    expect(numbersReceived()).toEqual(upTo(500));
  });

  it('and disconnects leaves no promise pending: drained() rejects', async () => {
    const client = await open();
    peer.pause();
    fill(client, 64 * KB);
    const drained = client.drained();
    peer.terminate();
    await expect(drained).rejects.toMatchObject({ code: 'NOT_OPEN' });
  });

  it('and disconnects: accepted messages that were never sent are reported as UNSENT', async () => {
    const client = await open();
    const errors: { code: string; context: Record<string, unknown> }[] = [];
    client.on('error', (error) => errors.push(error));
    peer.pause();
    const { accepted } = fill(client, 64 * KB);
    peer.terminate();
    await expect.poll(() => errors).toMatchObject([{ code: 'UNSENT', context: { messages: expect.any(Number) } }]);
    expect(errors[0]?.context.messages).toBeLessThan(accepted);
  });
});

async function stillFalls(client: IWebsocketClient): Promise<boolean> {
  const before = client.bufferedBytes;
  await new Promise((resolve) => setTimeout(resolve, 20));
  return client.bufferedBytes < before;
}

function fingerprint(message: string | Buffer): string {
  return `${typeof message} ${message.length} ${createHash('sha1').update(message).digest('hex')}`;
}

describe('a server that has started to close', () => {
  it('receives nothing more: messages are queued and sent over the next connection', async () => {
    // The server's close frame has arrived, but not the end of its socket.
    await using old = await rawWebsocketServer((socket) => socket.write(closeFrame(1012, 'restarting')));
    const { port } = ws;
    let dials = 0;
    const client = await connect(() => (dials++ === 0 ? old.address : `ws://127.0.0.1:${port}`), {
      type: 'insecure',
      reconnect: { minDelayMs: 1, maxDelayMs: 1 },
    });
    const accepted = once(ws.server, 'connection');
    await once(old.sockets[0] as Socket, 'data'); // the client's answer
    client.sendMessage('first');
    client.sendMessage('second');
    old.sockets[0]?.end();
    const [socket] = (await accepted) as [WebSocket];
    socket.on('message', (message) => received.push(String(message)));
    await expect.poll(() => received).toEqual(['first', 'second']);
    await client.close();
  });

  it('for the last time: messages that were sent meanwhile are reported as UNSENT', async () => {
    await using old = await rawWebsocketServer((socket) => socket.write(closeFrame(1000, 'game over')));
    const client = await connect(old.address, { type: 'insecure' });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    await once(old.sockets[0] as Socket, 'data');
    client.sendMessage('too late');
    old.sockets[0]?.end();
    await expect.poll(() => errors).toMatchObject([{ code: 'UNSENT', context: { messages: 1, bytes: 8, code: 1000 } }]);
  });
});

describe('messages that are sent in one turn', () => {
  it('arrive in the order of the calls, text and bytes of every size', async () => {
    const client = await open({ outbox: { maxBytes: 64 * KB * KB } });
    const sent: (string | Buffer)[] = [];
    for (let number = 0; number < 500; number++) {
      const size = [0, 1, 125, 126, 65_535, 65_536, 100_000][number % 7] as number;
      const text = `${number}`.padEnd(size, '.');
      sent.push(number % 3 === 0 ? Buffer.from(text) : text);
      if (number % 3 === 0) client.sendMessageBinary(Buffer.from(text));
      else client.sendMessage(text);
    }
    await client.close(4000, 'that was all');
    expect(received.map(fingerprint)).toEqual(sent.map(fingerprint));
    expect(await ended).toEqual({ code: 4000, reason: 'that was all' });
  });

  it('together with close() arrive before the close frame', async () => {
    const client = await open();
    for (let number = 0; number < 1_000; number++) client.sendMessage(`${number}`);
    await client.close(4001);
    expect(numbersReceived()).toEqual(upTo(1_000));
    expect((await ended).code).toBe(4001);
  });

  it('and in the turns and microtasks around it keep their order', async () => {
    const client = await open();
    let number = 0;
    const send = () => client.sendMessage(`${number++}`);
    for (let turn = 0; turn < 50; turn++) {
      send();
      process.nextTick(send);
      queueMicrotask(send);
      await Promise.resolve();
      send();
      await new Promise((resolve) => setImmediate(resolve));
      send();
    }
    await client.close();
    expect(numbersReceived()).toEqual(upTo(number));
  });

  it('have the bytes at the time of the call: the caller may reuse the buffer immediately', async () => {
    const client = await open();
    const bytes = new Uint8Array(4);
    for (let number = 0; number < 100; number++) client.sendMessageBinary(bytes.fill(number));
    await client.close();
    expect(received.map((message) => (message as Buffer)[0])).toEqual(upTo(100));
  });

  it('before the connection opens are queued in order', async () => {
    const { port } = ws;
    const accepted = once(ws.server, 'connection');
    const client = new WebsocketClient(`127.0.0.1:${port}`);
    const connecting = client.connect();
    for (let number = 0; number < 100; number++) client.sendMessage(`${number}`);
    [peer] = (await accepted) as [WebSocket];
    peer.on('message', (message) => received.push(String(message)));
    await connecting;
    client.sendMessage('100');
    await client.close();
    expect(numbersReceived()).toEqual(upTo(101));
  });
});
