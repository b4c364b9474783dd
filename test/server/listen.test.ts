import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type EventEmitter, once } from 'node:events';
import { get, request as httpRequest } from 'node:http';
import { get as getHttps } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect, type WebsocketError } from '../../src/entry/node.js';
import { listen } from '../../src/entry/server.js';
import { certificate, foreign, handshake, messageOf, RawPeer, serve, serveEcho, statusOf, until } from './support.js';

describe('listen', () => {
  it('takes a free port for port 0, and returns its number', async () => {
    const server = await serveEcho();
    expect(server.port).toBeGreaterThan(0);
    const client = await connect(`ws://127.0.0.1:${server.port}`, { type: 'insecure' });
    client.sendMessage('hello');
    for await (const message of client) {
      expect(message).toBe('hello');
      break;
    }
    await client.close();
  });

  it("takes the host 'localhost'", async () => {
    const server = await listen('localhost', 0);
    onTestFinished(() => server.close());
    const client = await connect(`ws://localhost:${server.port}`, { type: 'insecure' });
    expect(client.isConnectionOpen()).toBe(true);
    await client.close();
  });

  it('rejects with LISTEN_FAILED if the port is taken, with advice', async () => {
    const { port } = await serve();
    await expect(listen('127.0.0.1', port)).rejects.toMatchObject({
      name: 'WebsocketError',
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('Another process has the port'),
      context: { host: '127.0.0.1', port, systemCode: 'EADDRINUSE' },
    });
  });

  it.each([
    ['an address of another machine', '192.0.2.1', 0, 'EADDRNOTAVAIL'],
    ['a port that is none', '127.0.0.1', 70_000, 'ERR_SOCKET_BAD_PORT'],
  ])('rejects with LISTEN_FAILED for %s', async (_what, host, port, systemCode) => {
    await expect(listen(host, port)).rejects.toMatchObject({ code: 'LISTEN_FAILED', context: { host, port, systemCode } });
  });

  it('serves wss with a key and a certificate', async () => {
    const tls = await certificate();
    const server = await serveEcho({ tls });
    const socket = foreign(`wss://localhost:${server.port}`, [], { ca: tls.cert, host: '127.0.0.1' });
    await once(socket, 'open');
    socket.send('hello');
    expect(await messageOf(socket)).toBe('hello');
  });

  it('rejects a key or certificate that is none', async () => {
    await expect(listen('127.0.0.1', 0, { tls: { key: 'secret', cert: 'nonsense' } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('secret'),
    });
  });

  it('answers a plain HTTP request with 426 and a sentence, and closes', async () => {
    const server = await serve();
    const [response] = await once(get(`http://127.0.0.1:${server.port}/`), 'response');
    expect(response.statusCode).toBe(426);
    expect(response.headers).toMatchObject({ upgrade: 'websocket', connection: expect.stringContaining('close') });
    expect(String(await once(response, 'data'))).toContain('WebSocket server');
  });

  it('answers a plain HTTPS request the same', async () => {
    const tls = await certificate();
    const server = await serve({ tls });
    const [response] = await once(
      getHttps(`https://localhost:${server.port}/`, { ca: tls.cert, host: '127.0.0.1', servername: 'localhost' }),
      'response',
    );
    expect(response.statusCode).toBe(426);
    response.resume();
  });

  it('answers bytes that are not HTTP with 400, and continues', async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    peer.socket.write('Is this the party to whom I am speaking?\r\n\r\n');
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 400 /);
    expect(server.metrics.refusedRequest).toBe(1);
    expect((await connectedTo(server.port)).isConnectionOpen()).toBe(true);
  });

  it('answers headers without end with 431', async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ 'X-Large': 'x'.repeat(20_000) }));
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 431 /);
    expect(server.metrics.refusedRequest).toBe(1);
  });

  it('drops connections far beyond maxClients without an answer', async () => {
    const server = await serve({ maxClients: 1 });
    await Promise.all(Array.from({ length: 1_025 }, () => RawPeer.connect(server.port)));
    const oneTooMany = await RawPeer.connect(server.port);
    expect(await oneTooMany.text()).toBe('');
    expect(server.metrics.refusedFull).toBe(1);
  });

  it('reports connections that it could not accept, and continues', async () => {
    const server = await serve();
    const errors: WebsocketError[] = [];
    server.on('error', (error) => errors.push(error));
    const http = await httpServerOf(server.port);
    http.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(errors).toMatchObject([{ code: 'ACCEPT_FAILED', context: { systemCode: 'EMFILE' } }]);
    expect((await connectedTo(server.port)).isConnectionOpen()).toBe(true);
  });

  it('outlives a client of TLS that speaks none', async () => {
    const tls = await certificate();
    const server = await serve({ tls });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write('GET / HTTP/1.1\r\n\r\n');
    await peer.ended();
    const socket = foreign(`wss://localhost:${server.port}`, [], { ca: tls.cert, host: '127.0.0.1' });
    await once(socket, 'open');
  });

  it.each([
    ['path', { path: 'game' }],
    ['path', { path: '/game?level=1' }],
    ['origins', { origins: ['https://example.com/'] }],
    ['origins', { origins: ['example.com'] }],
    ['maxClients', { maxClients: 0 }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: -1 }],
    ['rateLimit.messagesPerSecond', { rateLimit: { messagesPerSecond: 0, burst: 1 } }],
    ['maxBufferedBytes', { maxBufferedBytes: Number.NaN }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: 2 ** 31 }],
    ['protocols', { protocols: ['two words'] }],
    ['liveness.pingMs', { liveness: { pingMs: 0 } }],
    ['options', null],
    ['options', 8080],
    ['path', { path: 5 }],
    ['origins', { origins: 5 }],
    ['origins', { origins: 'https://example.com' }],
    ['origins', { origins: [5] }],
    ['origins', { origins: ['wss://example.com'] }],
    ['hosts', { hosts: 'example.com' }],
    ['hosts', { hosts: ['https://example.com'] }],
    ['hosts', { hosts: ['example.com:8080'] }],
    ['hosts', { hosts: [''] }],
    ['hosts', { hosts: [undefined] }],
    ['tls', { tls: true }],
    ['tls', { tls: {} }],
    ['tls', { tls: { key: 'key' } }],
    ['tls', { tls: null }],
    ['authenticate', { authenticate: 'secret' }],
    ['rateLimit', { rateLimit: 10 }],
    ['rateLimit', { rateLimit: null }],
    ['rateLimit.messagesPerSecond', { rateLimit: {} }],
    ['rateLimit.messagesPerSecond', { rateLimit: { perSecond: 10 } }],
    ['rateLimit.burst', { rateLimit: { messagesPerSecond: 10, burst: '20' } }],
    ['inbox', { inbox: 5 }],
    ['liveness', { liveness: true }],
    ['maxClosing', { maxClosing: 0 }],
    ['session', { session: true }],
    ['session', { session: null }],
    ['session.isSameUser', { session: { isSameUser: true } }],
    ['userKey', { userKey: 'id' }],
    ['trustedProxies', { trustedProxies: -1 }],
    ['trustedProxies', { trustedProxies: true }],
    ['trustedProxies', { trustedProxies: ['10.0.0.1'] }],
    ['maxClientsPerAddress', { maxClientsPerAddress: 0 }],
    ['maxClientsPerAddress', { maxClientsPerAddress: '10' }],
  ])('refuses a senseless %s', async (option, options) => {
    await expect(listen('127.0.0.1', 0, options as never)).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option } });
  });

  it.each([
    ['host', [8210]],
    ['host', [undefined, 0]],
    ['host', ['', 0]],
    ['host', [{ port: 8210 }]],
    ['port', ['localhost']],
    ['port', ['localhost', undefined]],
    ['port', ['localhost', '8210']],
    ['port', ['localhost', { port: 8210 }]],
  ])('refuses a senseless %s, and does not listen anywhere: listen(...%j)', async (option, values) => {
    const listening = listen(...(values as Parameters<typeof listen>));
    await expect(listening).rejects.toMatchObject({ code: 'INVALID_OPTION', context: { option } });
  });

  it('takes the origin of an extension, or of an application in a web view', async () => {
    const server = await serve({ origins: ['capacitor://localhost'] });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { origin: 'capacitor://localhost' })).toBe(101);
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { origin: 'capacitor://other' })).toBe(403);
  });
});

describe('a handshake that never ends', () => {
  const handshakeTimeoutMs = 100;

  it('is ended when the client sends nothing', async () => {
    const server = await serve({ handshakeTimeoutMs });
    const peer = await RawPeer.connect(server.port);
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 408 /);
    expect(server.metrics.refusedTimeout).toBe(1);
  });

  it('is cut when the client sends half a request, byte by byte', async () => {
    const server = await serve({ handshakeTimeoutMs });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    const drip = setInterval(() => peer.socket.write('z'), 10);
    onTestFinished(() => clearInterval(drip));
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('is cut when the client begins TLS and no more', async () => {
    const server = await serve({ tls: await certificate(), handshakeTimeoutMs });
    const peer = await RawPeer.connect(server.port);
    await peer.ended();
    expect(server.metrics.refusedTimeout).toBe(1);
  });

  it('is cut when the client does TLS and sends no request', async () => {
    const server = await serve({ tls: await certificate(), handshakeTimeoutMs });
    const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.resume();
    await once(socket, 'close');
    expect(server.metrics.refusedTimeout).toBe(1);
  });

  it('is answered and closed when the body of a plain request never comes', async () => {
    const server = await serve();
    const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', headers: { 'Content-Length': '1000' } });
    request.on('error', () => {});
    request.write('part');
    await once(request, 'close');
  });

  it('does not delay other clients', async () => {
    const server = await serveEcho();
    await Promise.all(Array.from({ length: 50 }, () => RawPeer.connect(server.port)));
    expect((await connectedTo(server.port)).isConnectionOpen()).toBe(true);
  });

  it('does not count against a client once it is in', async () => {
    const server = await serveEcho({ handshakeTimeoutMs });
    const socket = foreign(`ws://127.0.0.1:${server.port}`);
    await once(socket, 'open');
    const silent = await RawPeer.connect(server.port);
    await silent.ended();
    socket.send('still here');
    expect(await messageOf(socket)).toBe('still here');
  });
});

/** Node tells its diagnostics which server a request came to. */
async function httpServerOf(port: number): Promise<EventEmitter> {
  const channel = 'http.server.request.start';
  let server: EventEmitter | undefined;
  const seen = (message: unknown) => {
    server = (message as { server: EventEmitter }).server;
  };
  subscribe(channel, seen);
  await fetch(`http://127.0.0.1:${port}`);
  unsubscribe(channel, seen);
  return server as EventEmitter;
}

async function connectedTo(port: number) {
  const client = await connect(`ws://127.0.0.1:${port}`, { type: 'insecure' });
  onTestFinished(async () => {
    await client.close();
  });
  await until(() => expect(client.state).toBe('open'));
  return client;
}
