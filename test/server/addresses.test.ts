import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { attach, type Refused, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { addressBehind } from '../../src/server/forwarded.js';
import { encodeControl } from '../../src/session/controls.js';
import { limit } from '../support/pace.js';
import { startProxy } from '../support/proxy.js';
import { foreign, foreignOpen, handshake, nextClient, pair, RawPeer, serve, slowAuthentication, statusOf, until } from './support.js';

const PEER = '127.0.0.1';
const forwardedFor = (...addresses: string[]) => ({ 'x-forwarded-for': addresses.join(', ') });

/** A server, and the handshakes that it refused. */
async function serveAndWatch(options: ServerOptions): Promise<{ server: WebsocketServer; refused: Refused[] }> {
  const server = await serve(options);
  const refused: Refused[] = [];
  server.on('refused', (each) => refused.push(each));
  return { server, refused };
}

describe('the address behind trusted proxies', () => {
  it.each<[string, number, Record<string, string | string[]>, string]>([
    ['is the peer of the socket without proxies, whatever it sends', 0, { ...forwardedFor('192.0.2.1'), forwarded: 'for=192.0.2.1' }, PEER],
    ['is the peer without a header', 1, {}, PEER],
    ['is the last of a list, for one proxy', 1, forwardedFor('192.0.2.9', '192.0.2.1'), '192.0.2.1'],
    ['is the last but one, for two', 2, forwardedFor('192.0.2.9', '192.0.2.1', '10.0.0.1'), '192.0.2.1'],
    ['is the first of a shorter list', 3, forwardedFor('192.0.2.1', '10.0.0.1'), '192.0.2.1'],
    ['is the peer for an empty list', 1, forwardedFor(''), PEER],
    ['is read with any white space', 2, { 'x-forwarded-for': '192.0.2.1,10.0.0.1 ' }, '192.0.2.1'],
    ['is read from several lines', 2, { 'x-forwarded-for': ['192.0.2.9', '192.0.2.1', '10.0.0.1'] }, '192.0.2.1'],
    ['may be IPv6', 1, forwardedFor('2001:db8::1'), '2001:db8::1'],
    ['may be IPv6 in brackets', 1, forwardedFor('[2001:db8::1]'), '2001:db8::1'],
    ['may be IPv6 with a port', 1, forwardedFor('[2001:db8::1]:4711'), '2001:db8::1'],
    ['may have a port', 1, forwardedFor('192.0.2.1:4711'), '192.0.2.1'],
    ['is the proxy that hides it', 1, forwardedFor('unknown'), PEER],
    ['is the one before a hidden proxy', 2, forwardedFor('192.0.2.1', 'unknown'), '192.0.2.1'],
    ['is the nearest to a hidden client', 2, forwardedFor('_hidden', '10.0.0.1'), '10.0.0.1'],
    ['is not behind a malformed entry', 2, forwardedFor('192.0.2.1', 'nonsense', '10.0.0.1'), '10.0.0.1'],
    ['is not behind an empty entry', 3, forwardedFor('192.0.2.1', '', '10.0.0.1'), '10.0.0.1'],
    ['is the peer for a malformed entry', 1, forwardedFor('192.0.2.1', '192.0.2.256'), PEER],
    ['is no host name', 1, forwardedFor('client.example'), PEER],
    ['is no port alone', 1, forwardedFor(':4711'), PEER],
    ['is nothing in half a bracket', 1, forwardedFor('[2001:db8::1'), PEER],
    ['is no IPv4 in brackets', 1, forwardedFor('[192.0.2.1]'), PEER],
    ['may be in Forwarded', 1, { forwarded: 'for=192.0.2.1' }, '192.0.2.1'],
    ['is in any place of an element', 1, { forwarded: 'proto=https;For=192.0.2.1;by=203.0.113.43' }, '192.0.2.1'],
    ['may be quoted', 1, { forwarded: 'for="192.0.2.1:4711"' }, '192.0.2.1'],
    ['may be IPv6 in Forwarded', 1, { forwarded: 'for="[2001:db8:cafe::17]:4711"' }, '2001:db8:cafe::17'],
    ['may have escapes', 1, { forwarded: 'for="192.0.2\\.1"' }, '192.0.2.1'],
    ['is that of the right element', 2, { forwarded: 'for=192.0.2.9, for=192.0.2.1;by="a, b", for=10.0.0.1' }, '192.0.2.1'],
    ['is read from several lines of Forwarded', 2, { forwarded: 'for=192.0.2.1, for=10.0.0.1;proto=http' }, '192.0.2.1'],
    ['is the proxy that hides it in Forwarded', 1, { forwarded: 'for=_gazonk' }, PEER],
    ['is the proxy that names none', 1, { forwarded: 'proto=https' }, PEER],
    ['is behind an element without a node', 2, { forwarded: 'for=192.0.2.1, proto=https' }, '192.0.2.1'],
    ['is nothing of a parameter that another one quotes', 1, { forwarded: 'host="x;for=192.0.2.9";for=192.0.2.1' }, '192.0.2.1'],
    ['is nothing of a malformed element', 1, { forwarded: 'for=192.0.2.1;;' }, PEER],
    ['is nothing without a name', 1, { forwarded: '192.0.2.1' }, PEER],
    ["is not changed by a client's quote without an end", 1, { forwarded: 'for=", for=192.0.2.1' }, '192.0.2.1'],
    ["is not changed by a client's quote before a quoted address", 1, { forwarded: 'for="x, for="[2001:db8::1]:80"' }, '2001:db8::1'],
    ["is not changed by a client's backslash", 1, { forwarded: 'for="\\, for="192.0.2.1"' }, '192.0.2.1'],
    ['is that of both headers if they agree', 1, { forwarded: 'for=192.0.2.1', ...forwardedFor('192.0.2.1') }, '192.0.2.1'],
    ['is the peer if they differ: the client sends one of them', 1, { forwarded: 'for=192.0.2.9', ...forwardedFor('192.0.2.1') }, PEER],
  ])('%s', (_what, trustedProxies, headers, expected) => {
    const joined = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')]));
    expect(addressBehind(PEER, joined, trustedProxies)).toBe(expected);
  });

  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const port = fc.option(fc.nat({ max: 65_535 }), { nil: undefined });

  it.each([
    ['x-forwarded-for', (node: string) => node],
    ['forwarded', (node: string) => `by="_proxy, one";for="${node}";host="x;for=192.0.2.9"`],
  ])('is that of the last entries of %s, which the proxies wrote, whatever the client sent before them', (name, entryOf) => {
    const written = fc.array(fc.tuple(address, port), { minLength: 1, maxLength: 4 });
    const sent = fc.string({ unit: fc.constantFrom(...'",;=\\[]: for1.2'), maxLength: 20 });
    fc.assert(
      fc.property(sent, written, (byClient, byProxies) => {
        const entries = byProxies.map(([node, at]) => (at === undefined ? node : `${node.includes(':') ? `[${node}]` : node}:${at}`));
        const list = [byClient, ...entries.map(entryOf)].join(', ');
        expect(addressBehind(PEER, { [name]: list }, entries.length)).toBe(byProxies[0]?.[0]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is found in linear time, whatever a client sends', () => {
    const nasty = [',', '"', '\\', '\\"', 'for="', ',for=";', 'a=b;', '[', '_', ' ', '1.', ':'];
    for (const part of nasty) {
      const list = part.repeat(100_000 / part.length);
      const start = performance.now();
      for (const header of ['forwarded', 'x-forwarded-for']) addressBehind(PEER, { [header]: list }, 1_000_000);
      expect(performance.now() - start, part).toBeLessThan(limit(2_000));
    }
  });

  it('is that of a client and of a refusal', async () => {
    const { server, refused } = await serveAndWatch({ trustedProxies: 1, path: '/game' });
    const accepting = nextClient(server);
    await foreignOpenAt(server, '/game', { 'X-Forwarded-For': 'spoofed, 192.0.2.1' });
    expect((await accepting).request.remoteAddress).toBe('192.0.2.1');
    expect(await statusOf(`ws://127.0.0.1:${server.port}/other`, { headers: { forwarded: 'for="[2001:db8::1]"' } })).toBe(404);
    expect(refused).toMatchObject([{ reason: 'path', remoteAddress: '2001:db8::1' }]);
  });

  it('is that of a handshake that is refused late', async () => {
    const slow = slowAuthentication();
    const { server, refused } = await serveAndWatch({ trustedProxies: 1, authenticate: slow.authenticate, handshakeTimeoutMs: 50 });
    const headers = { 'x-forwarded-for': '192.0.2.1' };
    expect(await statusOf(`ws://127.0.0.1:${server.port}`, { headers })).toBe(408);
    expect(refused).toMatchObject([{ reason: 'timeout', remoteAddress: '192.0.2.1' }]);
  });

  it('counts for maxDetachedPerAddress', async () => {
    const server = await serve({ trustedProxies: 1, session: { maxDetachedPerAddress: 1 } });
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
      const socket = await foreignOpen(server, ['gem.1'], { headers: { 'x-forwarded-for': address } });
      const accepting = nextClient(server);
      socket.send(encodeControl({ is: 'hello', initialCredit: 65_536, maxMessageBytes: 65_536, protocols: [] }));
      const accepted = await accepting;
      socket.terminate();
      await until(() => expect(accepted.state).not.toBe('open'));
    }
    expect(server.metrics).toMatchObject({ sessionsDetached: 2, sessionsEvictedPerAddress: 1 });
  });
});

describe('maxClientsPerAddress', () => {
  const ask = (server: WebsocketServer, address: string) =>
    statusOf(`ws://127.0.0.1:${server.port}`, { headers: { 'x-forwarded-for': address } });

  it('refuses more with 429 and a time to wait, and reports them', async () => {
    const { server, refused } = await serveAndWatch({ maxClientsPerAddress: 2, trustedProxies: 1 });
    expect([await ask(server, '192.0.2.1'), await ask(server, '192.0.2.1')]).toEqual([101, 101]);
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake({ 'X-Forwarded-For': '192.0.2.1' }));
    expect(await peer.text()).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n(.*\r\n)*Retry-After: 5\r\n/);
    expect(await ask(server, '192.0.2.2')).toBe(101);
    expect(refused).toMatchObject([{ reason: 'address', status: 429, remoteAddress: '192.0.2.1' }]);
    expect(server.metrics).toMatchObject({ refusedAddress: 1, refusedFull: 0, clients: 3 });
  });

  it('is the number of open connections: a place is free again when its client has left', async () => {
    const { server } = await serveAndWatch({ maxClientsPerAddress: 1 });
    for (let round = 0; round < 3; round++) {
      const { client } = await pair(server, round === 1 ? { session: session() } : {});
      expect(await ask(server, PEER)).toBe(429);
      await client.close();
      await until(() => expect(server.metrics.clients).toBe(0));
    }
    const { accepted } = await pair(server);
    // The peer has not answered yet, and its connection is open no more.
    const closed = accepted.close();
    expect(await ask(server, PEER)).toBe(101);
    await closed;
  });

  it('counts handshakes that are pending, and not those that were refused', async () => {
    const slow = slowAuthentication();
    const { server } = await serveAndWatch({ maxClientsPerAddress: 1, authenticate: slow.authenticate });
    const pending = foreign(`ws://127.0.0.1:${server.port}`);
    await slow.asked;
    expect(await ask(server, PEER)).toBe(429);
    slow.answer.reject(new Error('no'));
    await until(() => expect(server.metrics.refusedAuth).toBe(1));
    expect(await ask(server, PEER)).toBe(401);
    pending.terminate();
  });

  it('does not count sessions whose peer is disconnected, which can be resumed in their place', async () => {
    const { server } = await serveAndWatch({ maxClientsPerAddress: 1 });
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.close());
    const reconnect = { minDelayMs: 1, maxDelayMs: 20 };
    const { client, accepted } = await pair({ ...server, port: proxy.port, on: server.on.bind(server) }, { session: session(), reconnect });
    const receipt = new Promise((resolve) => client.on('reconnected', resolve));
    await proxy.refuse();
    proxy.cut('reset');
    await until(() => expect(accepted.state).toBe('reconnecting'));
    const other = foreign(`ws://127.0.0.1:${server.port}`);
    await until(() => expect(server.metrics.clients).toBe(1));
    expect(await ask(server, PEER)).toBe(429);
    other.terminate();
    await proxy.heal();
    expect(await receipt).toMatchObject({ resumed: true });
    expect(await ask(server, PEER)).toBe(429);
  });

  it('has a line in the console, with the remedy', async () => {
    const lines: string[] = [];
    const warn = vi.spyOn(console, 'warn').mockImplementation((line) => lines.push(line));
    onTestFinished(() => warn.mockRestore());
    const server = await serve({ maxClientsPerAddress: 1 });
    await foreignOpen(server);
    expect(await ask(server, PEER)).toBe(429);
    expect(lines).toEqual([expect.stringMatching(/refused 127\.0\.0\.1 \(address, 429\): .*maxClientsPerAddress.*trustedProxies/)]);
  });
});

describe('health', () => {
  it('is ready from the start to the call of close()', async () => {
    const server = await serve();
    expect(server.health).toEqual({ ready: true, draining: false, backplane: 'up' });
    const peer = await RawPeer.upgraded(server);
    const closed = server.close({ graceMs: 20 });
    expect(server.health).toEqual({ ready: false, draining: true, backplane: 'up' });
    await closed;
    peer.socket.destroy();
    expect(server.health).toEqual({ ready: false, draining: true, backplane: 'up' });
  });

  it('of a server that is attached to an HTTP server is ready while that one listens', async () => {
    const http = createServer();
    const server = attach(http);
    expect(server.health).toEqual({ ready: false, draining: false, backplane: 'up' });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    expect(server.health.ready).toBe(true);
    expect(await statusOf(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)).toBe(101);
    await server.close();
    expect([http.listening, server.health]).toEqual([true, { ready: false, draining: true, backplane: 'up' }]);
    await new Promise((resolve) => http.close(resolve));
  });
});

async function foreignOpenAt(server: WebsocketServer, path: string, headers: Record<string, string>): Promise<void> {
  const socket = foreign(`ws://127.0.0.1:${server.port}${path}`, [], { headers });
  await new Promise((resolve) => socket.once('open', resolve));
}
