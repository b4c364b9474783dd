import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attach, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { encodeControl } from '../../src/session/controls.js';
import { foreignOpen, frame, handshake, Opcode, RawPeer, serve, until } from './support.js';

const MAX_CLIENTS = 4;
const MAX_CLOSING = 2;
const STRANGERS = 30;
/** One message, and the next one is too many. */
const options: ServerOptions = {
  maxClients: MAX_CLIENTS,
  maxClosing: MAX_CLOSING,
  rateLimit: { messagesPerSecond: 0.001, burst: 1 },
};
const offer = { initialCredit: 100_000, maxMessageBytes: 100_000, protocols: [] };

async function attached(serverOptions: ServerOptions): Promise<WebsocketServer> {
  const http = createServer();
  const server = attach(http, serverOptions);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(async () => {
    await server.close({ graceMs: 1 });
    http.closeAllConnections();
    http.close();
  });
  return server;
}

const doors = [
  ['listen', serve],
  ['attach', attached],
] as const;

/** A peer that reads everything and answers no close frame. */
async function stranger(server: WebsocketServer, protocol?: string): Promise<RawPeer> {
  const peer = await RawPeer.connect(server.port);
  peer.socket.write(handshake({ 'Sec-WebSocket-Protocol': protocol }));
  await until(() => peer.head());
  return peer;
}

async function rubbish(server: WebsocketServer): Promise<RawPeer> {
  const peer = await stranger(server, 'gem.1');
  peer.send(frame(Opcode.binary, Uint8Array.of(0xff, 0xff)));
  expect(await peer.closeCode()).toBe(4400);
  return peer;
}

async function tooManyMessages(server: WebsocketServer): Promise<RawPeer> {
  const peer = await stranger(server);
  peer.send(frame(Opcode.text, 'one'), frame(Opcode.text, 'two'));
  expect(await peer.closeCode()).toBe(1008);
  return peer;
}

/** The server ends its half of the connection at once; this peer does not end the other half. */
async function tooBig(server: WebsocketServer): Promise<RawPeer> {
  const peer = await stranger(server);
  peer.socket.allowHalfOpen = true;
  peer.send(frame(Opcode.binary, new Uint8Array(65_537)));
  expect(await peer.closeCode()).toBe(1009);
  return peer;
}

/** Each takes over the session of the one before, whose socket is closed with 4409. */
function takeovers(): (server: WebsocketServer) => Promise<RawPeer> {
  let ticket: { id: Uint8Array<ArrayBuffer>; secret: Uint8Array<ArrayBuffer> } | undefined;
  let attempt = 0;
  let last: RawPeer | undefined;
  return async (server) => {
    const peer = await stranger(server, 'gem.1');
    if (ticket === undefined) {
      peer.send(frame(Opcode.binary, encodeControl({ is: 'hello', ...offer })));
      const welcome = new Uint8Array((await peer.frame()).payload);
      ticket = { id: welcome.slice(3, 19), secret: welcome.slice(19, 35) };
    } else {
      attempt += 1;
      peer.send(frame(Opcode.binary, encodeControl({ is: 'resume', ...ticket, attempt, received: 0, messagesSent: 0, ...offer })));
      await peer.frame();
      if (last !== undefined && !last.socket.destroyed) expect(await last.closeCode()).toBe(4409);
    }
    last = peer;
    return peer;
  };
}

describe.each(doors)('sockets that are being closed, of a server made with %s', (_door, make) => {
  it.each([
    ['4400', () => rubbish],
    ['1008', () => tooManyMessages],
    ['4409', takeovers],
  ])('after %s: they are counted, and the oldest are dropped for clients that come', async (_code, makeStranger) => {
    const server = await make(options);
    const come = makeStranger();
    const peers: RawPeer[] = [];
    for (let index = 0; index < STRANGERS; index++) {
      peers.push(await come(server));
      expect(server.metrics.closingSockets).toBeLessThanOrEqual(MAX_CLIENTS + MAX_CLOSING);
    }
    await until(() => {
      const firstOpen = peers.findIndex(({ socket }) => !socket.closed);
      expect(firstOpen).toBeGreaterThanOrEqual(STRANGERS - MAX_CLIENTS - MAX_CLOSING);
      expect(peers.slice(firstOpen).filter(({ socket }) => socket.closed)).toEqual([]);
    });
    expect(server.metrics.closingDropped).toBeGreaterThan(0);
  });

  it('after 1009: the same, where the peer keeps its half open', async () => {
    const server = await make(options);
    for (let index = 0; index < STRANGERS; index++) await tooBig(server);
    const { closingSockets, closingDropped } = server.metrics;
    expect(closingSockets).toBeLessThanOrEqual(MAX_CLIENTS + MAX_CLOSING);
    expect(closingDropped).toBeGreaterThan(0);
  });

  it('leave as much room for clients as if they were not there', async () => {
    const server = await make(options);
    for (let index = 0; index < 2 * MAX_CLIENTS; index++) await rubbish(server);
    for (let index = 0; index < MAX_CLIENTS; index++) await foreignOpen(server);
    expect(server.metrics).toMatchObject({ clients: MAX_CLIENTS, refusedFull: 0 });
    expect(server.metrics.closingSockets).toBeLessThanOrEqual(MAX_CLOSING);
  });

  it('are counted when the application closes them, and given their time while there is room', async () => {
    const server = await make({ maxClients: MAX_CLIENTS, maxClosing: MAX_CLOSING });
    const peers: RawPeer[] = [];
    for (let index = 0; index < MAX_CLIENTS; index++) peers.push(await stranger(server));
    for (const client of server.clients) void client.close(4001);
    expect(server.metrics).toMatchObject({ clients: 0, closingSockets: MAX_CLIENTS, closingDropped: 0 });
    for (const peer of peers) {
      expect(await peer.closeCode()).toBe(4001);
      peer.send(frame(Opcode.close, Uint8Array.of(0x0f, 0xa1)));
    }
    await until(() => expect(server.metrics.closingSockets).toBe(0));
    expect(server.metrics.closingDropped).toBe(0);
  });
});
