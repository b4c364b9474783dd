import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { connect } from '../../src/entry/node.js';
import { limit } from '../support/pace.js';
import { startScript } from '../support/programs.js';
import { until } from '../support/until.js';
import { startWs, type WsServer } from '../support/ws-server.js';

const MB = 1024 * 1024;

let ws: WsServer;
let address: string;
beforeEach(async () => {
  ws = await startWs();
  address = `ws://127.0.0.1:${ws.port}`;
});
afterEach(() => ws.end());

const MESSAGE_BYTES = 64 * 1024;

/** Sends numbered messages as fast as the reader allows, then closes if requested. */
function flood(peer: WebSocket | undefined, bytes: number, end: 'close' | 'stay'): { readonly sentBytes: number } {
  const progress = { sentBytes: 0 };
  const run = async () => {
    for (let number = 0; progress.sentBytes < bytes; number++) {
      const message = Buffer.alloc(MESSAGE_BYTES);
      message.writeUInt32BE(number);
      await new Promise((resolve) => peer?.send(message, resolve));
      progress.sentBytes += MESSAGE_BYTES;
    }
    if (end === 'close') peer?.close(1000, 'all sent');
  };
  void run();
  return progress;
}

/** Resolves once a number has not grown for half a second. */
async function standstill(read: () => number): Promise<number> {
  let last = -1;
  let since = Date.now();
  await until(() => {
    if (read() !== last) [last, since] = [read(), Date.now()];
    return last > 0 && Date.now() - since > limit(500);
  }, 'the sender stands still');
  return last;
}

describe('a reader that stops reading', () => {
  it('while 1 GB is sent to it keeps its socket paused and its memory flat, and loses nothing', { timeout: limit(120_000) }, async () => {
    const totalBytes = 1024 * MB;
    await using reader = await startScript('test/faults/children/reader-that-stops.ts', [address]);
    await reader.said('open');
    const [peer] = ws.server.clients;
    const progress = flood(peer, totalBytes, 'close');

    // 32 MiB of inbox, and the kernel buffers of the two sockets.
    const takenBytes = await standstill(() => progress.sentBytes);
    expect(takenBytes).toBeLessThan(64 * MB);
    reader.process.send('go on');
    expect(((await reader.said('stopped')) as { grownBytes: number }).grownBytes).toBeLessThan(100 * MB);

    const done = (await reader.said('done')) as { bytes: number; peakGrownBytes: number };
    expect(done).toMatchObject({ bytes: totalBytes, isInOrder: true, end: { code: 1000, reason: 'all sent', wasClean: true } });
    expect(done.peakGrownBytes).toBeLessThan(300 * MB);
    expect(await reader.ended).toBe(0);
    console.log(`stopped at ${takenBytes / MB} MiB; reading 1 GiB then took ${Math.round(done.peakGrownBytes / MB)} MiB at the most`);
  });

  it('does not count as half-open: its pongs are queued unread behind the messages', async () => {
    const client = await connect(address, {
      type: 'insecure',
      inbox: { maxMessages: 10 },
      liveness: { pingMs: limit(30), timeoutMs: limit(30) },
    });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    const [peer] = ws.server.clients;
    const progress = flood(peer, 32 * MB, 'close');
    await standstill(() => progress.sentBytes);
    expect(errors).toEqual([]);
    expect(client.isConnectionOpen()).toBe(true);
    let bytes = 0;
    for await (const message of client) bytes += message.length;
    expect(bytes).toBe(32 * MB);
  });

  it('and starts again detects a half-open connection as usual', async () => {
    const options = { inbox: { maxMessages: 10 }, liveness: { pingMs: limit(100), timeoutMs: limit(100) } };
    const client = await connect(address, { type: 'insecure', reconnect: false, ...options });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push((error as { code: string }).code));
    const [peer] = ws.server.clients;
    const progress = flood(peer, 16 * MB, 'stay');
    await standstill(() => progress.sentBytes);
    peer?.pause(); // answers no ping from here on
    for await (const _ of client);
    expect(errors).toEqual(['LINK_DEAD']);
  });

  it('is not flooded by the next connection either', async () => {
    const reconnect = { minDelayMs: 1, maxDelayMs: 1 };
    const client = await connect(address, { type: 'insecure', reconnect, inbox: { maxMessages: 10 } });
    const [first] = ws.server.clients;
    const before = flood(first, 16 * MB, 'stay');
    await standstill(() => before.sentBytes);
    const reconnected = new Promise((resolve) => client.on('reconnected', resolve));
    const accepted = once(ws.server, 'connection');
    // A socket that is not read does not report that its peer is gone; a write to it does.
    first?.terminate();
    const writing = setInterval(() => client.sendMessage('are you there?'), 20);
    const [second] = (await accepted) as [WebSocket];
    await reconnected;
    clearInterval(writing);
    const after = flood(second, 64 * MB, 'stay');
    await standstill(() => after.sentBytes);
    expect(after.sentBytes).toBeLessThan(32 * MB);
    await client.close();
  });

  it('and closes does not wait for the unread messages', async () => {
    const client = await connect(address, { type: 'insecure', inbox: { maxMessages: 10 }, closeTimeoutMs: 60_000 });
    const [peer] = ws.server.clients;
    const progress = flood(peer, 16 * MB, 'stay');
    await standstill(() => progress.sentBytes);
    const closedByClient = once(peer as WebSocket, 'close');
    expect(await client.close(4000, 'enough')).toMatchObject({ code: 4000, wasClean: true });
    expect((await closedByClient)[0]).toBe(4000);
    let messages = 0;
    for await (const _ of client) messages += 1;
    expect(messages).toBeGreaterThanOrEqual(10);
    expect(messages).toBeLessThan(100);
  });

  it('keeps no more than the inbox holds after it has closed', async () => {
    const client = await connect(address, { type: 'insecure', inbox: { maxMessages: 10 } });
    const [peer] = ws.server.clients;
    peer?.once('message', () => {
      // In one packet with the answer to the close frame, or just before it.
      for (let number = 0; number < 1_000; number++) peer.send(`${number}`);
    });
    client.sendMessage('send, please');
    const closed = client.close();
    await closed;
    let messages = 0;
    for await (const _ of client) messages += 1;
    expect(messages).toBeLessThanOrEqual(11);
  });
});
