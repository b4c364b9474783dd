import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { type ClientOptions, connect, WebsocketClient, type WebsocketError, WebsocketRequestBus } from '../../src/entry/node.js';
import { selfSigned } from '../support/certificates.js';
import { freePort } from '../support/programs.js';
import { rawServer, switchingProtocols } from '../support/raw-peer.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function failureOf(address: string, options: ClientOptions = {}): Promise<WebsocketError> {
  return connect(address, { type: 'insecure', ...options }).then(
    async (client) => {
      await client.close();
      throw new Error(`${address} was not refused`);
    },
    (error: WebsocketError) => error,
  );
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

function answering(status: number, headers: Record<string, string> = {}): Promise<number> {
  return listening(
    createHttpServer((_request, response) => response.writeHead(status, headers).end('no WebSocket here')).on(
      'upgrade',
      (_request, socket) => {
        const lines = [
          `HTTP/1.1 ${status} No`,
          ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
          'Content-Length: 0',
        ];
        socket.end(`${lines.join('\r\n')}\r\n\r\n`);
      },
    ),
  );
}

describe('a server that cannot be reached', () => {
  it('refuses the connection: CONNECT_FAILED with ECONNREFUSED, and a message that asks whether the server runs', async () => {
    const error = await failureOf(`ws://127.0.0.1:${await freePort()}`);
    expect(error).toMatchObject({ name: 'WebsocketError', code: 'CONNECT_FAILED', context: { systemCode: 'ECONNREFUSED' } });
    expect(error.message).toContain('is the server running');
  });

  it("has a name that does not resolve: CONNECT_FAILED with the resolver's error", async () => {
    const error = await failureOf('ws://no-such-host.invalid');
    expect(error.code).toBe('CONNECT_FAILED');
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(error.context.systemCode);
    expect(error.message).toContain('does not resolve');
  });

  it('accepts the connection and sends nothing: CONNECT_TIMEOUT, and the socket is destroyed', async () => {
    await using server = await rawServer(() => {});
    const error = await failureOf(server.address, { connectTimeoutMs: 100 });
    expect(error).toMatchObject({ code: 'CONNECT_TIMEOUT' });
    await expect.poll(() => server.sockets[0]?.closed).toBe(true);
  });

  it('accepts the connection and ends it: CONNECT_FAILED', async () => {
    await using server = await rawServer((socket) => socket.destroy());
    expect(await failureOf(server.address)).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('starts an answer and never completes it: CONNECT_TIMEOUT', async () => {
    await using server = await rawServer((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: web'));
    expect(await failureOf(server.address, { connectTimeoutMs: 100 })).toMatchObject({ code: 'CONNECT_TIMEOUT' });
  });
});

describe('a server with an unexpected answer', () => {
  it.each([200, 403, 404, 503])('HTTP %i: CONNECT_FAILED with the status', async (status) => {
    const error = await failureOf(`ws://127.0.0.1:${await answering(status)}`);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', context: { status } });
    expect(error.message).toContain(String(status));
  });

  it('each status has its own advice', async () => {
    const statuses = [200, 302, 400, 401, 403, 404, 407, 426, 429, 500, 502, 503, 504, 418];
    const errors = await Promise.all(statuses.map(async (status) => failureOf(`ws://127.0.0.1:${await answering(status)}`)));
    const hints = errors.map(({ message }) => message.replace(/^.* instead of 101\. /, ''));
    expect(new Set(hints).size).toBe(statuses.length);
    const hintOf = (status: number) => hints[statuses.indexOf(status)];
    expect(hintOf(401)).toMatch(/credentials/);
    expect(hintOf(403)).toMatch(/Origin.*option origins/);
    expect(hintOf(404)).toMatch(/path/);
    expect(hintOf(503)).toMatch(/full or closing/);
  });

  it.each([301, 302, 307])('redirect %i: CONNECT_FAILED with the status; it is not followed', async (status) => {
    await using elsewhere = await rawServer(() => {});
    const port = await answering(status, { location: elsewhere.address });
    const error = await failureOf(`ws://127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', context: { status } });
    expect(error.message).toContain('Redirects are not followed');
    expect(elsewhere.sockets).toHaveLength(0);
  });

  it('an answer that is not HTTP: CONNECT_FAILED', async () => {
    await using server = await rawServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n\0\xff garbage\r\n'));
    expect(await failureOf(server.address)).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('a wrong Sec-WebSocket-Accept: CONNECT_FAILED with a message that names it', async () => {
    await using server = await rawServer((socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: d3Jvbmc=\r\n\r\n',
      );
    });
    const error = await failureOf(server.address);
    expect(error.code).toBe('CONNECT_FAILED');
    expect(error.message).toContain('Sec-WebSocket-Accept');
  });

  it('an endless header: CONNECT_FAILED, and memory stays bounded', async () => {
    await using server = await rawServer((socket) => socket.write(`HTTP/1.1 101 OK\r\nX-Long: ${'x'.repeat(1024 * 1024)}`));
    expect(await failureOf(server.address)).toMatchObject({ code: 'CONNECT_FAILED' });
  });

  it('a subprotocol that was not offered, or none although some were offered: CONNECT_FAILED', async () => {
    await using other = await rawServer((socket, request) => socket.write(switchingProtocols(request, 'Sec-WebSocket-Protocol: other')));
    await using none = await rawServer((socket, request) => socket.write(switchingProtocols(request)));
    for (const [server, protocols] of [
      [other, ['game']],
      [other, []],
      [none, ['game']],
    ] as const) {
      const error = await failureOf(server.address, { protocols });
      expect(error.code).toBe('CONNECT_FAILED');
      expect(error.message).toContain('subprotocol');
    }
  });
});

describe('TLS', () => {
  async function tlsServer(...hosts: string[]): Promise<{ port: number; cert: string }> {
    const { key, cert } = await selfSigned(...hosts);
    const https = createHttpsServer({ key, cert });
    const wss = new WebSocketServer({ server: https });
    cleanups.push(() => wss.close());
    return { port: await listening(https as unknown as Server), cert };
  }

  it('an untrusted certificate: CONNECT_FAILED with a message that explains how to trust it', async () => {
    const { port } = await tlsServer('127.0.0.1');
    const error = await failureOf(`wss://127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', context: { systemCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    expect(error.message).toContain('node.ca');
  });

  it('the same certificate, given as an authority, is accepted', async () => {
    const { port, cert } = await tlsServer('127.0.0.1');
    const client = await connect(`wss://127.0.0.1:${port}`, { node: { ca: cert } });
    expect(client.isConnectionOpen()).toBe(true);
    await client.close();
  });

  it("another host's certificate: CONNECT_FAILED with ERR_TLS_CERT_ALTNAME_INVALID", async () => {
    const { port, cert } = await tlsServer('game.example');
    const error = await failureOf(`wss://127.0.0.1:${port}`, { node: { ca: cert } });
    expect(error).toMatchObject({ code: 'CONNECT_FAILED', context: { systemCode: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    expect(error.message).toContain('certificate');
  });

  it('wss to a port without TLS: CONNECT_FAILED with a message that names the cause', async () => {
    const error = await failureOf(`wss://127.0.0.1:${await answering(200)}`);
    expect(error.code).toBe('CONNECT_FAILED');
    expect(error.message).toContain('does not speak TLS there: is the port right, or is type insecure meant?');
  });

  it('ws to a port with TLS: CONNECT_FAILED', async () => {
    const { port } = await tlsServer('127.0.0.1');
    const error = await failureOf(`ws://127.0.0.1:${port}`);
    expect(error.code).toBe('CONNECT_FAILED');
    expect(error.message).toContain('does it expect TLS (type secure)');
  });

  it('wss to a server that sends nothing: CONNECT_TIMEOUT', async () => {
    await using server = await rawServer(() => {});
    expect(await failureOf(`wss://127.0.0.1:${server.port}`, { connectTimeoutMs: 100 })).toMatchObject({ code: 'CONNECT_TIMEOUT' });
  });
});

describe('a connection error', () => {
  it('never contains credentials, whether from the query or from headers', async () => {
    const port = await answering(403);
    const error = await failureOf(`ws://127.0.0.1:${port}/room?token=hunter2`, { node: { headers: { authorization: 'Bearer hunter2' } } });
    expect(`${error.message} ${JSON.stringify(error.context)} ${String(error.cause)} ${error.stack}`).not.toContain('hunter2');
  });

  it('of the first attempt closes a direct client, which reports it once in each way', async () => {
    const client = new WebsocketClient(`127.0.0.1:${await freePort()}`);
    const told: string[] = [];
    client.on('error', (error) => told.push(`error ${error.code}`));
    client.on('close', ({ code, wasClean }) => told.push(`close ${code} ${wasClean}`));
    await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED' });
    expect(told).toEqual(['error CONNECT_FAILED', 'close 1006 false']);
    expect(client.getMessage()).toMatchObject({ closeCode: 1006, wasClean: false });
    expect(client.getMessage()).toBeUndefined();
  });

  it('of the first attempt does not end a client of the bus: it reports the cause and retries until the server is available', async () => {
    const port = await freePort();
    const bus = new WebsocketRequestBus();
    const causes: unknown[] = [];
    bus.on('reconnecting', (_client, { cause }) => causes.push(cause));
    const client = bus.createClient(`127.0.0.1:${port}`, undefined, 'insecure', { reconnect: { minDelayMs: 20, maxDelayMs: 20 } });
    await expect.poll(() => causes.length).toBeGreaterThan(2);
    expect(causes[0]).toMatchObject({ code: 'CONNECT_FAILED', context: { systemCode: 'ECONNREFUSED' } });
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    cleanups.push(() => server.close());
    await expect.poll(() => client.isConnectionOpen()).toBe(true);
    await bus.closeAll();
  });
});
