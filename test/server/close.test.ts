import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import { listen } from '../../src/entry/server.js';
import { limit } from '../support/pace.js';
import {
  closeOf,
  foreign,
  foreignOpen,
  frame,
  handshake,
  nextClient,
  Opcode,
  pair,
  RawPeer,
  serve,
  serveEcho,
  slowAuthentication,
  statusOf,
  until,
} from './support.js';

describe('server.close()', () => {
  it('closes the clients with 1001, then the port is free', async () => {
    const server = await listen('127.0.0.1', 0);
    const sockets = [await foreignOpen(server), await foreignOpen(server)];
    const closed = Promise.all(sockets.map(closeOf));
    await server.close();
    expect(await closed).toEqual([
      { code: 1001, reason: '' },
      { code: 1001, reason: '' },
    ]);
    expect(server.clients).toEqual([]);
    await expect(connect(`ws://127.0.0.1:${server.port}`, { type: 'insecure' })).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      context: { systemCode: 'ECONNREFUSED' },
    });
  });

  it('takes a code and a reason, and refuses bad ones at the call', async () => {
    const server = await serve();
    const closed = closeOf(await foreignOpen(server));
    expect(() => server.close({ code: 1005 })).toThrow(expect.objectContaining({ code: 'INVALID_CLOSE' }));
    expect(() => server.close({ reason: 'x'.repeat(124) })).toThrow(expect.objectContaining({ code: 'INVALID_CLOSE' }));
    expect(() => server.close({ graceMs: Number.POSITIVE_INFINITY })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    for (const senseless of [4000, null, () => {}]) {
      expect(() => server.close(senseless as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    }
    await server.close({ code: 1012, reason: 'new version' });
    expect(await closed).toEqual({ code: 1012, reason: 'new version' });
  });

  it('is safe to call twice', async () => {
    const server = await serve();
    await pair(server);
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });

  it('happens at the end of an await using block', async () => {
    let port = 0;
    {
      await using server = await listen('127.0.0.1', 0);
      port = server.port;
      await foreignOpen(server);
    }
    await using again = await listen('127.0.0.1', port);
    expect(again.port).toBe(port);
  });

  it('sends the accepted messages before its close frame', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    for (let index = 0; index < 20; index++) accepted.sendMessageBinary(new Uint8Array(50_000));
    const closing = server.close();
    let received = 0;
    for await (const _message of client) received += 1;
    expect(received).toBe(20);
    await closing;
  });

  it('does not wait for a client whose messages are not read', async () => {
    const server = await serve({ inbox: { maxMessages: 1 } });
    const { client, accepted } = await pair(server);
    for (let index = 0; index < 100; index++) client.sendMessageBinary(new Uint8Array(32 * 1024));
    await until(() => expect(accepted.stats.messagesReceived).toBeGreaterThan(0));
    await server.close();
    expect(await accepted.close()).toEqual({ code: 1001, reason: '', wasClean: true });
  });

  it('destroys the sockets of clients that have not answered after graceMs', async () => {
    const server = await serve();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const client = await accepting;
    const closed = new Promise((resolve) => client.on('close', resolve));
    await server.close({ graceMs: 50 });
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    await peer.ended();
  });

  it('does not wait for incomplete handshakes', async () => {
    const server = await listen('127.0.0.1', 0, { authenticate: () => new Promise(() => {}) });
    const silent = await RawPeer.connect(server.port);
    const asking = await RawPeer.connect(server.port);
    asking.socket.write(handshake());
    const half = await RawPeer.connect(server.port);
    half.socket.write('GET / HTTP/1.1\r\n');
    await server.close();
    await Promise.all([silent.ended(), asking.ended(), half.ended()]);
  });

  it('closes the socket of a client that violated the protocol and stays connected', async () => {
    const server = await serve();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const accepted = await accepting;
    // The server closes the connection, and the peer keeps its socket open.
    peer.send(frame(Opcode.text, 'bare', { masked: false }));
    await until(() => expect(accepted.state).toBe('closed'));
    await server.close();
    await peer.ended();
  });

  it('answers handshakes with 503 while clients take their leave', async () => {
    const server = await serve();
    await RawPeer.upgraded(server);
    const closing = server.close({ graceMs: 200 });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(503);
    expect(server.metrics.refusedClosing).toBe(1);
    await closing;
  });

  it('refuses a client whose authentication is pending', async () => {
    const { authenticate, asked, answer } = slowAuthentication();
    const server = await serve({ authenticate });
    const status = statusOf(`ws://127.0.0.1:${server.port}`);
    await asked;
    const closing = server.close();
    expect(await status).toBe(503);
    answer.resolve('too late');
    await closing;
    expect(server.metrics.connectionsTotal).toBe(0);
  });

  it('leaves no listener on the process, and no client in clients', async () => {
    const before = process.listenerCount('exit');
    const server = await serve({ liveness: { pingMs: 60_000 } });
    const { accepted } = await pair(server);
    accepted.getMessage();
    await server.close();
    await until(() => expect(process.listenerCount('exit')).toBe(before));
    expect(server.clients).toEqual([]);
  });
});

describe('a server that is restarted on the same port', () => {
  it('works at once, and its clients reconnect by themselves', async () => {
    const first = await listen('127.0.0.1', 0);
    const { port } = first;
    const client = await connect(`ws://127.0.0.1:${port}`, { type: 'insecure', reconnect: { minDelayMs: 1, maxDelayMs: 20 } });
    const reconnected = vi.fn();
    client.on('reconnected', reconnected);
    await first.close();
    await using second = await listen('127.0.0.1', port);
    await until(() => expect(reconnected).toHaveBeenCalledOnce());
    expect(second.clients).toHaveLength(1);
    await client.close();
  });

  it('gets 1,000 clients back within its bounds', { timeout: limit(60_000) }, async () => {
    const count = 1_000;
    const first = await listen('127.0.0.1', 0, { maxClients: count });
    const { port } = first;
    const clients = await Promise.all(
      Array.from({ length: count }, () =>
        connect(`ws://127.0.0.1:${port}`, {
          type: 'insecure',
          connectTimeoutMs: 30_000,
          reconnect: { minDelayMs: 500, maxDelayMs: 2_000 },
        }),
      ),
    );
    expect(first.clients.length).toBe(count);
    await first.close();
    const second = await listen('127.0.0.1', port, { maxClients: count });
    await vi.waitFor(() => expect(second.clients.length).toBe(count), { timeout: limit(30_000), interval: 20 });
    expect(second.metrics).toMatchObject({ clients: count, connectionsTotal: count, refusedFull: 0, refusedTimeout: 0 });
    await Promise.all(clients.map((client: IWebsocketClient) => client.close()));
    await second.close();
    expect(second.metrics.clients).toBe(0);
  });
});

describe('an echo', () => {
  it('is echoed as it was sent, to each client its own', async () => {
    const server = await serveEcho();
    const names = ['ada', 'grace', 'joan'];
    await Promise.all(
      names.map(async (name) => {
        const socket = foreign(`ws://127.0.0.1:${server.port}`);
        await once(socket, 'open');
        for (let index = 0; index < 100; index++) {
          socket.send(`${name} ${index}`);
          const [message] = await once(socket, 'message');
          expect(String(message)).toBe(`${name} ${index}`);
        }
      }),
    );
  });
});
