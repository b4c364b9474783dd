import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { attach, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { certificate, closeOf, foreign, handshake, RawPeer, statusOf, until } from './support.js';

async function application(server: Server = createServer((_request, response) => response.end('a page'))): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function attached(http: Server, options?: ServerOptions): WebsocketServer {
  const server = attach(http, options);
  onTestFinished(() => server.close({ graceMs: 1 }));
  return server;
}

function at(http: Server, path: string, scheme = 'ws'): string {
  return `${scheme}://127.0.0.1:${(http.address() as AddressInfo).port}${path}`;
}

describe('attach', () => {
  it('takes upgrades and leaves requests to the application', async () => {
    const http = await application();
    const server = attached(http);
    expect(server.port).toBe((http.address() as AddressInfo).port);
    expect(await statusOf(at(http, '/'))).toBe(101);
    expect(await (await fetch(at(http, '/', 'http'))).text()).toBe('a page');
  });

  it('serves wss on an https.Server', async () => {
    const http = await application(createHttpsServer(await certificate()));
    attached(http);
    expect(await statusOf(at(http, '/', 'wss'), { rejectUnauthorized: false })).toBe(101);
  });

  it('may come before the HTTP server listens: its port is 0 until then', async () => {
    const http = createServer();
    const server = attached(http);
    expect(server.port).toBe(0);
    await application(http);
    expect(server.port).toBe((http.address() as AddressInfo).port);
  });

  it('refuses other paths with 404 if there is no other listener', async () => {
    const http = await application();
    const server = attached(http, { path: '/a' });
    expect(await statusOf(at(http, '/b'))).toBe(404);
    expect(server.metrics.refusedPath).toBe(1);
  });

  it('shares an HTTP server with others of its kind: to each its path, to the rest 404', async () => {
    const http = await application();
    const [a, b] = [attached(http, { path: '/a' }), attached(http, { path: '/b' })];
    expect(await statusOf(at(http, '/a'))).toBe(101);
    expect(await statusOf(at(http, '/b'))).toBe(101);
    expect(await statusOf(at(http, '/c'))).toBe(404);
    expect([a.metrics.connectionsTotal, b.metrics.connectionsTotal]).toEqual([1, 1]);
  });

  it('gives a path that two serve to the first', async () => {
    const http = await application();
    const [first, second] = [attached(http), attached(http)];
    expect(await statusOf(at(http, '/'))).toBe(101);
    expect([first.metrics.connectionsTotal, second.metrics.connectionsTotal]).toEqual([1, 0]);
  });

  it('leaves other paths to the upgrade listeners of other libraries', async () => {
    const http = await application();
    const server = attached(http, { path: '/ours' });
    const theirs = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => {
      if (request.url === '/theirs') theirs.handleUpgrade(request, socket, head, () => {});
    });
    expect(await statusOf(at(http, '/theirs'))).toBe(101);
    expect(await statusOf(at(http, '/ours'))).toBe(101);
    expect(server.metrics).toMatchObject({ connectionsTotal: 1, refusedPath: 0 });
  });

  it('outlives another listener that takes the same path', async () => {
    const http = await application();
    const theirs = new WebSocketServer({ noServer: true });
    http.on('upgrade', (request, socket, head) => theirs.handleUpgrade(request, socket, head, () => {}));
    const server = attached(http);
    await once(foreign(at(http, '/')), 'close');
    expect(server.metrics).toMatchObject({ connectionsTotal: 0, refusedRequest: 1 });
  });

  it('closes its clients and detaches from the HTTP server, which continues', async () => {
    const http = await application();
    const server = attached(http, { path: '/live' });
    const socket = foreign(at(http, '/live'));
    await once(socket, 'open');
    const closed = closeOf(socket);
    await server.close();
    expect(await closed).toEqual({ code: 1001, reason: '' });
    expect(http.listenerCount('upgrade')).toBe(0);
    expect(await (await fetch(at(http, '/', 'http'))).text()).toBe('a page');
  });

  it('ends when the HTTP server does', async () => {
    const http = await application();
    const server = attached(http);
    const clients = server[Symbol.asyncIterator]();
    http.close();
    expect(await clients.next()).toEqual({ done: true, value: undefined });
  });

  it('finds the path in an absolute request target', async () => {
    const http = await application();
    attached(http, { path: '/live' });
    const peer = await RawPeer.connect((http.address() as AddressInfo).port);
    peer.socket.write(handshake({}, 'GET http://localhost/live HTTP/1.1'));
    await until(() => expect(peer.head()).toMatch(/^HTTP\/1\.1 101 /));
  });

  it('refuses a value that is not an HTTP server, and TLS options', () => {
    expect(() => attach(createServer(), null as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(() => attach(createServer(), { origins: 5 as never })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    // An Express application emits events, too, and never one for an upgrade.
    expect(() => attach(express() as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(() => attach(undefined as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    expect(() => attach(createServer(), { tls: { key: '', cert: '' } })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
