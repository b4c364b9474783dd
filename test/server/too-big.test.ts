import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { CloseInfo } from '../../src/core/types.js';
import { connect } from '../../src/entry/node.js';
import { listen, type WebsocketServer } from '../../src/entry/server.js';

const servers: WebsocketServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(): Promise<WebsocketServer> {
  const server = await listen('127.0.0.1', 0);
  server.on('error', () => {});
  servers.push(server);
  return server;
}

describe('a message that the server finds too big', () => {
  it('ends its client for good, with an error that names the limit and the option', async () => {
    const server = await start();
    const client = await connect(`ws://127.0.0.1:${server.port}`, { type: 'insecure' });
    const errors: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    const closed = new Promise<CloseInfo>((resolve) => client.on('close', resolve));
    client.sendMessage('x'.repeat(100_000));
    expect(await closed).toEqual({ code: 1009, reason: 'takes 65536 bytes', wasClean: true });
    expect(errors).toMatchObject([{ code: 'MESSAGE_TOO_BIG', message: expect.stringMatching(/takes 65536 bytes.*maxMessageBytes there/) }]);
  });

  it('is answered with the limit in the close reason, to any client', async () => {
    const server = await start();
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
    socket.on('open', () => socket.send('x'.repeat(100_000)));
    const [code, reason] = await new Promise<[number, string]>((resolve) => {
      socket.on('close', (closeCode, closeReason) => resolve([closeCode, closeReason.toString()]));
    });
    expect([code, reason]).toEqual([1009, 'takes 65536 bytes']);
  });
});
