import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect, type WebsocketError } from '../../src/entry/node.js';
import { listen, type Refused, type WebsocketServer } from '../../src/entry/server.js';
import {
  certificate,
  foreign,
  foreignOpen,
  handshake,
  nextClient,
  RawPeer,
  serve,
  slowAuthentication,
  statusOf,
  until,
} from './support.js';

describe('path', () => {
  it('is served, with or without a query; every other gets 404', async () => {
    const server = await serve({ path: '/game' });
    const base = `ws://127.0.0.1:${server.port}`;
    expect(await statusOf(`${base}/game`)).toBe(101);
    expect(await statusOf(`${base}/game?level=1`)).toBe(101);
    expect(await statusOf(`${base}/game/`)).toBe(404);
    expect(await statusOf(`${base}/`)).toBe(404);
    expect(server.metrics).toMatchObject({ connectionsTotal: 2, refusedPath: 2 });
  });

  it.each([
    ['ws://localhost/game', 101, '/game'],
    ['http://localhost:8080/game?level=1', 101, '/game?level=1'],
    ['WSS://localhost/game', 101, '/game'],
    ['ws://localhost/other', 404, undefined],
    ['ws://localhost', 404, undefined],
    ['ws://user@localhost/game', 404, undefined],
  ])('is found in an absolute request target, as RFC 6455 (4.1) allows it: %s', async (target, status, url) => {
    const server = await serve({ path: '/game' });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({}, `GET ${target} HTTP/1.1`));
    expect(await statusLine(peer)).toContain(` ${status} `);
    expect(server.clients[0]?.request.url).toBe(url);
  });

  it('is any, unless set', async () => {
    const server = await serve();
    expect(await statusOf(`ws://127.0.0.1:${server.port}/any/where`)).toBe(101);
  });
});

describe('protocols', () => {
  it('are chosen in the order of the client, among those that the server speaks', async () => {
    const server = await serve({ protocols: ['b', 'c'] });
    const accepting = nextClient(server);
    const socket = await foreignOpen(server, ['a', 'c', 'b']);
    expect(socket.protocol).toBe('c');
    expect((await accepting).protocol).toBe('c');
  });

  it('that are all unknown are answered with none, and the client decides', async () => {
    const server = await serve({ protocols: ['b'] });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ 'Sec-WebSocket-Protocol': 'x, y' }));
    let head = '';
    await until(() => {
      head = peer.head();
    });
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).not.toMatch(/sec-websocket-protocol/i);
    const socket = foreign(`ws://127.0.0.1:${server.port}`, ['x']);
    const [error] = await once(socket, 'error');
    expect(error.message).toBe('Server sent no subprotocol');
  });
});

describe('origins', () => {
  it.each([
    ['the same host and port', 'http://game.example:8080', 'game.example:8080', 101],
    ['the same host, in other letters', 'http://game.example:8080', 'GAME.example:8080', 101],
    ['a default port that the host names', 'https://game.example', 'game.example:443', 101],
    ['another port', 'http://game.example:8081', 'game.example:8080', 403],
    ['another host', 'http://evil.example:8080', 'game.example:8080', 403],
    ['a host that begins the same', 'http://game.example.evil.example', 'game.example', 403],
    ['a page from a file', 'null', 'game.example', 403],
    ['another scheme', 'chrome-extension://game.example', 'game.example', 403],
    ['what is no origin', 'game.example', 'game.example', 403],
  ])('by default: %s', async (_what, origin, host, status) => {
    const server = await serve({ hosts: ['game.example'] });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { headers: { origin, host } })).toBe(status);
    expect(server.metrics.refusedOrigin).toBe(status === 403 ? 1 : 0);
  });

  it('by default: an http page is not of the same origin as a wss server', async () => {
    const tls = await certificate();
    const server = await serve({ tls, hosts: '*' });
    const ask = (origin: string) =>
      statusOf(`wss://127.0.0.1:${server.port}`, { rejectUnauthorized: false, headers: { origin, host: 'game.example' } });
    expect(await ask('https://game.example')).toBe(101);
    expect(await ask('http://game.example')).toBe(403);
  });

  it('by default: a client that is no page has none, and is let in', async () => {
    const server = await serve();
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(101);
  });

  it('listed: exactly these', async () => {
    const server = await serve({ origins: ['https://game.example', 'null'] });
    const ask = (origin: string) => statusOf(`ws://127.0.0.1:${server.port}`, { headers: { origin } });
    expect(await ask('https://game.example')).toBe(101);
    expect(await ask('null')).toBe(101);
    expect(await ask('https://game.example:8443')).toBe(403);
    expect(await ask('http://game.example')).toBe(403);
    expect(await ask(`http://127.0.0.1:${server.port}`)).toBe(403);
  });

  it("'*': all", async () => {
    const server = await serve({ origins: '*' });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { headers: { origin: 'https://any.example' } })).toBe(101);
  });
});

describe('hosts', () => {
  /** What a page of that host, at that port, is answered with. */
  const ask = (server: WebsocketServer, host: string, address = '127.0.0.1') =>
    statusOf(`ws://${address}:${server.port}`, { headers: { host, origin: `http://${host}` } });

  it.each([
    ['localhost:8080', 101],
    ['game.localhost', 101],
    ['LocalHost.', 101],
    ['127.0.0.1', 101],
    ['127.200.1.1:8080', 101],
    ['[::1]:8080', 101],
    ['evil.example', 403],
    ['localhost.evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['evillocalhost', 403],
    ['192.0.2.1', 403],
  ])('by default, on a loopback address: a page of %s gets %i', async (host, status) => {
    const server = await serve();
    expect(await ask(server, host)).toBe(status);
    expect(server.metrics.refusedHost).toBe(status === 403 ? 1 : 0);
  });

  it.each(['::1', '::ffff:127.0.0.1'])('by default, on the loopback address %s: the same', async (address) => {
    const server = await serveOn(address);
    if (server === undefined) return; // A machine without IPv6.
    expect(await ask(server, 'localhost', `[${address}]`)).toBe(101);
    expect(await ask(server, 'evil.example', `[${address}]`)).toBe(403);
  });

  it('by default, elsewhere: any', async () => {
    const server = await serveOn('0.0.0.0');
    const address = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (address === undefined) return; // A machine with loopback alone.
    expect(await ask(server as WebsocketServer, 'game.example', address)).toBe(101);
  });

  it('listed: these, in any letters and with any port, and the loopback names on a loopback address', async () => {
    const server = await serve({ hosts: ['Game.example'] });
    expect(await ask(server, 'game.example:8080')).toBe(101);
    expect(await ask(server, 'GAME.EXAMPLE')).toBe(101);
    expect(await ask(server, 'localhost')).toBe(101);
    expect(await ask(server, 'www.game.example')).toBe(403);
  });

  it("'*': any", async () => {
    const server = await serve({ hosts: '*' });
    expect(await ask(server, 'any.example')).toBe(101);
  });

  it('are not asked for where origins are listed: no page of a stranger is among them', async () => {
    const server = await serve({ origins: ['http://game.example'] });
    expect(await ask(server, 'game.example')).toBe(101);
    expect(await ask(server, 'evil.example')).toBe(403);
    expect(server.metrics).toMatchObject({ refusedHost: 0, refusedOrigin: 1 });
  });

  it('are not asked of a client that is no page', async () => {
    const server = await serve();
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { headers: { host: 'game.example' } })).toBe(101);
  });

  it('an absolute request target names the host, regardless of the Host header', async () => {
    const server = await serve();
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ Host: 'localhost', Origin: 'http://evil.example' }, 'GET http://evil.example/ HTTP/1.1'));
    expect(await statusLine(peer)).toContain(' 403 ');
    expect(server.metrics.refusedHost).toBe(1);
  });

  it('a refusal is an event with the reason host, and its text names the option to set', async () => {
    const server = await serve();
    const told: Refused[] = [];
    server.on('refused', (refused) => told.push(refused));
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ Host: 'game.example', Origin: 'http://game.example' }));
    expect(await peer.text()).toContain('hosts');
    expect(told).toEqual([{ reason: 'host', status: 403, remoteAddress: '127.0.0.1', cause: undefined }]);
  });
});

/** A server on another address of this machine; undefined where the machine has none such. */
async function serveOn(address: string): Promise<WebsocketServer | undefined> {
  const server = await listen(address, 0).catch((error: WebsocketError) => {
    if (error.code !== 'LISTEN_FAILED') throw error;
    return undefined;
  });
  onTestFinished(() => server?.close({ graceMs: 1 }));
  return server;
}

async function statusLine(peer: RawPeer): Promise<string> {
  let head = '';
  await until(() => {
    head = peer.head();
  });
  return head.split('\r\n', 1)[0] as string;
}

describe('authenticate', () => {
  it('gives the client its user', async () => {
    const server = await serve({ authenticate: async (request) => ({ name: request.headers['x-name'] }) });
    const accepting = nextClient(server);
    await foreignOpen(server, [], { headers: { 'x-name': 'Ada' } });
    const client = await accepting;
    expect(client.user).toEqual({ name: 'Ada' });
    expect(client.request).toMatchObject({ url: '/', headers: { 'x-name': 'Ada' }, remoteAddress: '127.0.0.1' });
  });

  it('accepts every user that it returns, also false, null and 0', async () => {
    const users = [false, null, 0, ''];
    const server = await serve({ authenticate: () => users.shift() });
    for (const user of [...users]) {
      const accepting = nextClient(server);
      await foreignOpen(server);
      expect((await accepting).user).toBe(user);
    }
  });

  it.each([
    ['returns undefined', () => undefined],
    ['resolves to undefined', () => Promise.resolve(undefined)],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('that %s refuses with 401', async (_how, authenticate) => {
    const server = await serve({ authenticate });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(401);
    expect(server.metrics).toMatchObject({ refusedAuth: 1, connectionsTotal: 0 });
    expect(server.clients).toHaveLength(0);
  });

  it('is not asked about a request that is refused anyway', async () => {
    const authenticate = vi.fn(() => 'anyone');
    const server = await serve({ authenticate, path: '/game' });
    await statusOf(`ws://127.0.0.1:${server.port}/other`);
    await statusOf(`ws://127.0.0.1:${server.port}/game`, { headers: { origin: 'https://evil.example' } });
    expect(authenticate).not.toHaveBeenCalled();
  });

  it('that never answers is cut', async () => {
    const server = await serve({ authenticate: () => new Promise(() => {}), handshakeTimeoutMs: 100 });
    await expect(connect(`ws://127.0.0.1:${server.port}`, { type: 'insecure' })).rejects.toMatchObject({
      code: 'CONNECT_FAILED',
      context: { status: 408 },
    });
    expect(server.metrics.refusedTimeout).toBe(1);
  });

  it('that answers too late accepts no client', async () => {
    const { authenticate, answer } = slowAuthentication();
    const server = await serve({ authenticate, handshakeTimeoutMs: 50 });
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(408);
    answer.resolve('late');
    await answer.promise;
    expect(server.metrics.connectionsTotal).toBe(0);
  });

  it('outlives a client that resets the connection while it is asked', async () => {
    const { authenticate, asked, answer } = slowAuthentication();
    const server = await serve({ authenticate });
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake());
    await asked;
    peer.socket.resetAndDestroy();
    await until(() => expect(server.metrics.refusedGone).toBe(1));
    answer.resolve('too late');
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(101);
    expect(server.metrics.connectionsTotal).toBe(1);
  });

  it('misses nothing that the client sends meanwhile', async () => {
    const { authenticate, answer } = slowAuthentication();
    const server = await serve({ authenticate });
    const accepting = nextClient(server);
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(Buffer.concat([Buffer.from(handshake()), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])]));
    answer.resolve('Ada');
    const client = await accepting;
    await until(() => expect(client.getMessage()).toEqual({ message: 'hi' }));
  });
});

describe('maxClients', () => {
  it('refuses one more with 503 and a Retry-After header', async () => {
    const server = await serve({ maxClients: 1 });
    const first = await foreignOpen(server);
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake());
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: \d+\r\n/);
    expect(server.metrics).toMatchObject({ refusedFull: 1, clients: 1 });
    first.close();
    await until(() => expect(server.metrics.clients).toBe(0));
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(101);
  });

  it('counts handshakes under way', async () => {
    const { authenticate, asked, answer } = slowAuthentication();
    const server = await serve({ maxClients: 1, authenticate });
    const first = statusOf(`ws://127.0.0.1:${server.port}`);
    await asked;
    expect(await statusOf(`ws://127.0.0.1:${server.port}`)).toBe(503);
    answer.resolve('Ada');
    expect(await first).toBe(101);
  });
});

describe('a request that is none for a WebSocket', () => {
  it.each([
    ['no key', { 'Sec-WebSocket-Key': undefined }, undefined, 400],
    ['a key of the wrong length', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }, undefined, 400],
    ['another version', { 'Sec-WebSocket-Version': '7' }, undefined, 426],
    ['another upgrade', { Upgrade: 'h2c' }, undefined, 400],
    ['another method', {}, 'POST / HTTP/1.1', 405],
    ['a protocol that is none', { 'Sec-WebSocket-Protocol': 'a b' }, undefined, 400],
  ])('is refused: %s', async (_what, headers, requestLine, status) => {
    const server = await serve();
    const told: Refused[] = [];
    server.on('refused', (refused) => told.push(refused));
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake(headers, requestLine));
    expect(await peer.text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(server.metrics).toMatchObject({ refusedRequest: 1, connectionsTotal: 0 });
    expect(told).toEqual([{ reason: 'request', status, remoteAddress: '127.0.0.1', cause: undefined }]);
  });
});

describe("the event 'refused'", () => {
  it('reports the address and the reason of each refusal', async () => {
    const cause = new Error('the database is down');
    const server = await serve({
      authenticate: () => {
        throw cause;
      },
    });
    const told: Refused[] = [];
    server.on('refused', (refused) => told.push(refused));
    await statusOf(`ws://127.0.0.1:${server.port}`);
    expect(told).toEqual([{ reason: 'auth', status: 401, remoteAddress: '127.0.0.1', cause }]);
  });
});
