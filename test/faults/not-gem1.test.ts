import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { CloseInfo } from '../../src/core/types.js';
import { connect, WebsocketClient, type WebsocketError, WebsocketRequestBus } from '../../src/entry/node.js';
import { session } from '../../src/entry/session.js';
import { rejected } from '../support/thrown.js';

/** A server of ws without support for gem.1; by default it selects the first subprotocol that is offered. */
async function plainServer(serve: (socket: WebSocket) => void, handleProtocols?: () => string | false): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...(handleProtocols === undefined ? {} : { handleProtocols }) });
  await once(server, 'listening');
  server.on('connection', serve);
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const silent = () => {};
const echo = (socket: WebSocket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

const SERVERS: readonly [string, () => Promise<string>][] = [
  ['that greets with text', () => plainServer((socket) => socket.send('welcome!'))],
  ['that greets with bytes', () => plainServer((socket) => socket.send(Uint8Array.of(1, 2, 3)))],
  ['that greets with an empty message', () => plainServer((socket) => socket.send(''))],
  ['that echoes messages', () => plainServer(echo)],
  ['that answers a HELLO with text', () => plainServer((socket) => socket.on('message', () => socket.send('{"error":"not JSON"}')))],
  ['that selects no subprotocol', () => plainServer(silent, () => false)],
  ['that selects a subprotocol which was not offered', () => plainServer(silent, () => 'chat')],
];

describe('a session with a server', () => {
  it.each(SERVERS)('%s throws UNSUPPORTED immediately', async (_name, start) => {
    const error = await rejected(connect(await start(), { type: 'insecure', session: session() }));
    expect(error).toMatchObject({ code: 'UNSUPPORTED', context: { closeCode: 4426 } });
    expect(error.message).toMatch(/^This server does not speak gem\.1: .*Leave the option session out/);
  });

  it.each(SERVERS)('%s is not retried by a bus', async (_name, start) => {
    const bus = new WebsocketRequestBus();
    onTestFinished(() => bus.closeAll());
    const errors: WebsocketError[] = [];
    bus.on('error', (_client, error) => errors.push(error));
    const client = bus.createClient(await start(), undefined, 'insecure', { session: session() });
    const info = await new Promise<CloseInfo>((resolve) => client.on('close', resolve));
    expect(info).toMatchObject({ code: 4426, wasClean: false });
    expect(errors).toMatchObject([{ code: 'UNSUPPORTED' }]);
  });

  it('that sends nothing times out with CONNECT_TIMEOUT and the likely cause', async () => {
    const address = await plainServer(silent);
    const error = await rejected(connect(address, { type: 'insecure', session: session(), connectTimeoutMs: 200 }));
    expect(error.code).toBe('CONNECT_TIMEOUT');
    expect(error.message).toMatch(/with session\(\), a gemsocket server\) answers there/);
  });

  it('that replaced a gemsocket server ends the session with UNSUPPORTED', async () => {
    const { listen } = await import('../../src/entry/server.js');
    const server = await listen('127.0.0.1', 0);
    const client = new WebsocketClient(`ws://127.0.0.1:${server.port}`, {
      session: session(),
      reconnect: { maxDelayMs: 20, minDelayMs: 20 },
    });
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    await client.connect();
    const { port } = server;
    const closed = new Promise<CloseInfo>((resolve) => client.on('close', resolve));
    await server.close({ code: 1012, graceMs: 100 });
    const plain = new WebSocketServer({ port, host: '127.0.0.1' });
    onTestFinished(() => void plain.close());
    plain.on('connection', echo);
    expect(await closed).toMatchObject({ code: 4426 });
    expect(errors).toMatchObject([{ code: 'UNSUPPORTED' }]);
  });
});
