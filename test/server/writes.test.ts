import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { connect } from '../../src/entry/node.js';
import type { WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { collect, type Frame, frame, Opcode, pair, RawPeer, serve, until } from './support.js';

/** Answers each message with two. */
async function serveTwice(): Promise<WebsocketServer> {
  const server = await serve();
  server.on('connection', (client) => {
    client.on('message', (message) => {
      client.sendMessage(`first ${message}`);
      client.sendMessage(`second ${message}`);
    });
  });
  return server;
}

function read({ opcode, payload }: Frame): [number, string] {
  return [opcode, payload.toString('latin1')];
}

async function framesOf(peer: RawPeer, count: number): Promise<[number, string][]> {
  const frames: [number, string][] = [];
  while (frames.length < count) frames.push(read(await peer.frame()));
  return frames;
}

const goodbye = Buffer.from([0x0f, 0xa1]);

describe('the messages of a turn', () => {
  it('leave before the pong to a ping of the same packet, and before the answer to its close frame', async () => {
    const peer = await RawPeer.upgraded(await serveTwice());
    peer.send(frame(Opcode.text, 'a'), frame(Opcode.ping, 'p'), frame(Opcode.text, 'b'), frame(Opcode.close, goodbye));
    expect(await framesOf(peer, 6)).toEqual([
      [Opcode.text, 'first a'],
      [Opcode.text, 'second a'],
      [Opcode.pong, 'p'],
      [Opcode.text, 'first b'],
      [Opcode.text, 'second b'],
      [Opcode.close, goodbye.toString('latin1')],
    ]);
  });

  it('leave before the close frame that a violation of the protocol costs', async () => {
    const peer = await RawPeer.upgraded(await serveTwice());
    peer.send(frame(Opcode.text, 'a'), Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
    const frames = await framesOf(peer, 3);
    expect(frames.map(([opcode]) => opcode)).toEqual([Opcode.text, Opcode.text, Opcode.close]);
  });

  it('leave before the end of the socket if the peer ends it in the same turn', async () => {
    const peer = await RawPeer.upgraded(await serveTwice());
    peer.send(frame(Opcode.text, 'a'));
    peer.socket.end();
    expect(await framesOf(peer, 2)).toEqual([
      [Opcode.text, 'first a'],
      [Opcode.text, 'second a'],
    ]);
  });

  it('are all sent, in order, by a handler that throws after each', async () => {
    const server = await serve();
    server.on('connection', (client) => {
      client.on('error', () => {});
      client.on('message', (message) => {
        client.sendMessage(`got ${message}`);
        throw new Error('handler');
      });
    });
    const peer = await RawPeer.upgraded(server);
    peer.send(frame(Opcode.text, 'a'), frame(Opcode.text, 'b'), frame(Opcode.ping, 'p'));
    expect(await framesOf(peer, 3)).toEqual([
      [Opcode.text, 'got a'],
      [Opcode.text, 'got b'],
      [Opcode.pong, 'p'],
    ]);
  });
});

describe('a client of Node', () => {
  const texts = [
    '',
    'a',
    'ä',
    '€uro',
    '\u{1f600}',
    'lone \ud800',
    'x'.repeat(125),
    'y'.repeat(126),
    'z'.repeat(65_535),
    '€'.repeat(30_000),
  ];
  const sizes = [0, 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 125, 126, 127, 4_095, 4_096, 65_535, 65_536, 65_537];

  it.each([false, true])('masks text and bytes of any length, many in one turn; with compression: %s', async (perMessageDeflate) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const received: (string | Buffer)[] = [];
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer, isBinary) => received.push(isBinary ? data : data.toString()));
    });
    const { port } = server.address() as { port: number };
    const client = await connect(`127.0.0.1:${port}`, { type: 'insecure', node: { perMessageDeflate } });
    const bytes = sizes.map((size) => Buffer.from(Array.from({ length: size }, (_, index) => index & 0xff)));
    for (const text of texts) client.sendMessage(text);
    for (const each of bytes) client.sendMessageBinary(each);
    await client.close();
    expect(received).toEqual([...texts.map((text) => text.replace('\ud800', '\ufffd')), ...bytes]);
  });
});

describe('a broadcast', () => {
  const large = 'x'.repeat(20_000);

  it('keeps its place among the messages to one client, plain and with a session, for text and bytes of any size', async () => {
    const server = await serve();
    const peers = [await pair(server), await pair(server, { session: session() }), await pair(server, { session: session() })];
    const received = peers.map(({ client }) => collect(client));
    const expected: unknown[][] = peers.map(() => []);
    const all = (message: string | Uint8Array) => {
      server.broadcast(message);
      for (const each of expected) each.push(message);
    };
    for (let round = 0; round < 20; round++) {
      all(`first ${round}`);
      all(round % 5 === 0 ? large : `ünïcode ${round}`);
      peers.forEach(({ accepted }, index) => {
        if ((round + index) % 3 === 0) return;
        accepted.sendMessage(`to ${index}`);
        expected[index]?.push(`to ${index}`);
      });
      all(new Uint8Array(round % 4 === 0 ? 3_000 : 3).fill(round));
      if (round % 7 === 0) await new Promise(setImmediate);
    }
    await until(() => expect(received).toEqual(expected));
  });

  it('shares its batch with the acknowledgement of a session that has sent something', async () => {
    const server = await serve();
    const peers = [await pair(server, { session: session() }), await pair(server, { session: session() })];
    const received = peers.map(({ client }) => collect(client));
    server.on('error', () => {});
    peers[0]?.accepted.on('message', () => server.broadcast('answer'));
    for (let round = 0; round < 5; round++) {
      peers[0]?.client.sendMessage('question');
      await until(() => expect(received[1]).toHaveLength(round + 1));
    }
    await until(() => expect(received).toEqual([Array(5).fill('answer'), Array(5).fill('answer')]));
    await until(() => expect(peers[0]?.client.bufferedBytes).toBe(0));
  });

  it('reaches the others if a socket dies in the middle of it', async () => {
    const server = await serve();
    const peers = [await pair(server), await pair(server, { session: session() }), await pair(server)];
    const dying = await RawPeer.upgraded(server);
    const received = peers.map(({ client }) => collect(client));
    await until(() => expect(server.clients).toHaveLength(4));
    dying.socket.resetAndDestroy();
    const sent: string[] = [];
    while (server.clients.length === 4 || sent.length < 20) {
      sent.push(`${sent.length} ${large}`);
      server.broadcast(sent.at(-1) as string);
      await new Promise(setImmediate);
    }
    await until(() => expect(received.map((each) => each.length)).toEqual(peers.map(() => sent.length)));
    for (const each of received) expect(each).toEqual(sent);
  });

  it('to a client that reads nothing fills no more than its bound, and the others get all of it', async () => {
    const server = await serve({ maxBufferedBytes: 1_000_000 });
    const { client } = await pair(server);
    const received = collect(client);
    const slow = await RawPeer.upgraded(server);
    slow.socket.pause();
    await until(() => expect(server.clients).toHaveLength(2));
    const [, stalled] = server.clients;
    let held = 0;
    let sent = 0;
    for (; server.clients.length === 2; sent++) {
      server.broadcast(large);
      held = Math.max(held, stalled?.bufferedBytes ?? 0);
      await until(() => expect(received).toHaveLength(sent + 1));
    }
    expect(stalled?.state).toBe('closed');
    expect(held).toBeLessThan(1_000_000 + 2 * large.length);
    await until(() => expect(received).toHaveLength(sent));
  });

  it('of the turn in which the server closes reaches every client before its close frame', async () => {
    const server = await serve();
    const peers: RawPeer[] = [];
    for (let count = 0; count < 100; count++) peers.push(await RawPeer.upgraded(server));
    await until(() => expect(server.clients).toHaveLength(100));
    server.broadcast('last');
    const closed = server.close({ graceMs: 1 });
    for (const peer of peers) {
      expect((await framesOf(peer, 2)).map(([opcode]) => opcode)).toEqual([Opcode.text, Opcode.close]);
    }
    await closed;
  });
});
