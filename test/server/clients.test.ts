import { describe, expect, it, vi } from 'vitest';
import { streams, type WebsocketError } from '../../src/entry/node.js';
import type { ServerClient } from '../../src/entry/server.js';
import { closeOf, foreignOpen, frame, messageOf, nextClient, Opcode, pair, RawPeer, serve, until } from './support.js';

/** What a peer sends that says one thing, and goodbye, in one packet. */
function lastWordAndClose(): Buffer {
  return Buffer.concat([frame(Opcode.text, 'last'), frame(Opcode.close, Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('bye')]))]);
}

const end = { closeCode: 4001, reason: 'bye', wasClean: true };

describe('server.clients', () => {
  it('are the open clients, oldest first, in an array that never changes', async () => {
    const server = await serve();
    const empty = server.clients;
    const one = await pair(server);
    const two = await pair(server);
    expect(empty).toEqual([]);
    expect(server.clients).toEqual([one.accepted, two.accepted]);
    expect(server.clients).toBe(server.clients);
    expect(() => (server.clients as ServerClient[]).push(one.accepted)).toThrow(TypeError);
  });

  it('has the clients that connected without a listener', async () => {
    const server = await serve();
    const peer = await RawPeer.upgraded(server);
    peer.send(frame(Opcode.text, 'here'));
    await until(() => expect(server.clients[0]?.getMessage()).toEqual({ message: 'here' }));
  });

  it('loses a client that is read by a handler as soon as it is not open', async () => {
    const server = await serve();
    const { accepted } = await pair(server);
    accepted.on('message', () => {});
    const closing = accepted.close();
    expect(server.clients).toEqual([]);
    await closing;
    expect(server.clients).toEqual([]);
  });

  it('loses a client without a reader that sent nothing, at once', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    const closed = new Promise((resolve) => accepted.on('close', resolve));
    await client.close();
    await closed;
    expect(server.clients).toEqual([]);
  });

  it('can all be sent to from a loop while clients connect and disconnect, if handlers read', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    accepted.on('message', () => {});
    await pair(server);
    let ended = false;
    accepted.on('close', () => {
      ended = true;
    });
    void client.close();
    while (!ended) {
      for (const each of server.clients) each.sendMessage('tick');
      await new Promise(setImmediate);
    }
    for (const each of server.clients) each.sendMessage('tick');
    expect(server.clients).toHaveLength(1);
  });
});

describe('a frame loop over server.clients', () => {
  it('sees the last messages of a client that has closed, then its end, once', async () => {
    const server = await serve();
    const peer = await RawPeer.upgraded(server);
    expect(server.clients[0]?.getMessage()).toBeUndefined();
    peer.send(lastWordAndClose());
    const seen: unknown[] = [];
    await until(() => {
      for (const client of server.clients) {
        const received = client.getMessage();
        if (received !== undefined) seen.push(received);
      }
      expect(server.clients).toEqual([]);
    });
    expect(seen).toEqual([{ message: 'last' }, end]);
  });

  it('sees the end of a client that came and went between two frames', async () => {
    const server = await serve();
    const first = await pair(server);
    first.accepted.getMessage();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const accepted = await accepting;
    peer.send(frame(Opcode.close, Buffer.from([0x0f, 0xa1, 0x62, 0x79, 0x65])));
    await until(() => expect(accepted.state).toBe('closed'));
    expect(server.clients).toContain(accepted);
    expect(accepted.getMessage()).toEqual(end);
    expect(server.clients).not.toContain(accepted);
  });

  it('finds a first client that has already gone, if it said something', async () => {
    const server = await serve();
    const peer = await RawPeer.upgraded(server);
    peer.send(lastWordAndClose());
    await until(() => expect(server.clients[0]?.state).toBe('closed'));
    expect(server.clients[0]?.getMessage()).toEqual({ message: 'last' });
    expect(server.clients[0]?.getMessage()).toEqual(end);
    expect(server.clients).toEqual([]);
  });

  it('that stops does not keep closed clients for ever', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    accepted.getMessage();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closed = new Promise((resolve) => accepted.on('close', resolve));
      await client.close();
      await closed;
      expect(server.clients).toEqual([accepted]);
      vi.advanceTimersByTime(5_000);
      expect(server.clients).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('each client', () => {
  it.each(['handler', 'poll', 'iteration', 'stream'])('gets the last message before the end, sent in one packet: %s', async (reader) => {
    const server = await serve();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const seen = readAs(reader, await accepting);
    peer.send(lastWordAndClose());
    expect(await seen).toEqual(['last', end.closeCode]);
  });

  it('may have a handler that throws: the error is reported, and the client continues', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    const errors: WebsocketError[] = [];
    accepted.on('error', (error) => errors.push(error));
    accepted.on('message', (message) => {
      if (message === 'bad') throw new Error('handler');
      accepted.sendMessage(`got ${message as string}`);
    });
    client.sendMessage('bad');
    client.sendMessage('good');
    await until(() => expect(client.getMessage()).toEqual({ message: 'got good' }));
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED' }]);
  });

  it('reports a handler that throws to the server, if it has no error listener of its own', async () => {
    const server = await serve();
    const errors: WebsocketError[] = [];
    server.on('error', (error) => errors.push(error));
    const { client, accepted } = await pair(server);
    accepted.on('message', () => {
      throw new Error('handler');
    });
    client.sendMessage('any');
    await until(() => expect(errors).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'message' } }]));
  });

  it('distinguishes text and binary, in both directions', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    client.sendMessage('text');
    client.sendMessageBinary(Uint8Array.of(1, 2, 3));
    await until(() => expect(accepted.getMessage()).toEqual({ message: 'text' }));
    await until(() => expect(accepted.getMessage()).toEqual({ message: Uint8Array.of(1, 2, 3) }));
    accepted.sendMessage('');
    accepted.sendMessageBinary(new Uint8Array(0));
    await until(() => expect(client.getMessage()).toEqual({ message: '' }));
    await until(() => expect(client.getMessage()).toEqual({ message: new Uint8Array(0) }));
  });

  it('is closed with the code and reason that the application gives', async () => {
    const server = await serve();
    const accepting = nextClient(server);
    const socket = await foreignOpen(server);
    const closed = closeOf(socket);
    const info = await (await accepting).close(4321, 'game over');
    expect(info).toEqual({ code: 4321, reason: 'game over', wasClean: true });
    expect(await closed).toEqual({ code: 4321, reason: 'game over' });
  });
});

describe("the event 'connection'", () => {
  it('comes before the first message', async () => {
    const server = await serve();
    const seen: unknown[] = [];
    server.on('connection', (client) => {
      client.on('message', (message) => seen.push(message));
    });
    const peer = await RawPeer.upgraded(server);
    peer.send(frame(Opcode.text, 'first'));
    await until(() => expect(seen).toEqual(['first']));
  });

  it('stops when its listener is taken off', async () => {
    const server = await serve();
    const listener = vi.fn();
    server.on('connection', listener)();
    await pair(server);
    expect(listener).not.toHaveBeenCalled();
  });

  it('may have a listener that throws: the error is reported, and the client stays', async () => {
    const server = await serve();
    const errors: WebsocketError[] = [];
    server.on('error', (error) => errors.push(error));
    server.on('connection', () => {
      throw new Error('listener');
    });
    const { accepted } = await pair(server);
    expect(errors).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'connection' } }]);
    expect(server.clients).toEqual([accepted]);
  });
});

describe('iteration over a server', () => {
  it('hands out every new client, and ends when the server closes', async () => {
    const server = await serve();
    const seen: ServerClient[] = [];
    const loop = (async () => {
      for await (const client of server) seen.push(client);
    })();
    const [one, two] = [await pair(server), await pair(server)];
    await until(() => expect(seen).toEqual([one.accepted, two.accepted]));
    await server.close();
    await loop;
  });

  it('keeps clients for a loop that takes its time, while they are there', async () => {
    const server = await serve();
    const clients = server[Symbol.asyncIterator]();
    const one = await pair(server);
    const two = await pair(server);
    one.accepted.on('message', () => {});
    await one.accepted.close();
    expect(await clients.next()).toEqual({ done: false, value: two.accepted });
  });

  it('leaves out a client that a listener has closed', async () => {
    const server = await serve();
    const clients = server[Symbol.asyncIterator]();
    server.on('connection', (client) => {
      if (server.metrics.connectionsTotal === 1) void client.close(4003, 'not you');
    });
    await foreignOpen(server);
    const { accepted } = await pair(server);
    expect(await clients.next()).toEqual({ done: false, value: accepted });
  });

  it('gives each loop all of them', async () => {
    const server = await serve();
    const [left, right] = [server[Symbol.asyncIterator](), server[Symbol.asyncIterator]()];
    const { accepted } = await pair(server);
    expect(await left.next()).toEqual({ done: false, value: accepted });
    expect(await right.next()).toEqual({ done: false, value: accepted });
  });

  it('can be left', async () => {
    const server = await serve();
    const clients = server[Symbol.asyncIterator]();
    const waiting = clients.next();
    await clients.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await pair(server);
    expect(await clients.next()).toEqual({ done: true, value: undefined });
  });

  it('of a closed server is over at once', async () => {
    const server = await serve();
    await server.close();
    expect(await server[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });
});

describe('broadcast', () => {
  it('by a listener that another broadcast calls reaches every client with its own text', async () => {
    const server = await serve({ maxBufferedBytes: 100_000 });
    const accepting = nextClient(server);
    const slow = await RawPeer.upgraded(server);
    slow.socket.pause();
    const first = await accepting;
    const { client } = await pair(server);
    const received: unknown[] = [];
    client.on('message', (message) => received.push(message));
    first.on('error', ({ code }) => {
      if (code === 'TOO_SLOW') server.broadcast('inner');
    });
    first.sendMessageBinary(new Uint8Array(16_000_000));
    server.broadcast('outer');
    await until(() => expect(received).toEqual(['inner', 'outer']));
    expect(first.state).toBe('closed');
  });

  it('reaches every open client, text as text and bytes as bytes', async () => {
    const server = await serve();
    const [one, two] = [await pair(server), await pair(server)];
    server.broadcast('text ✓');
    server.broadcast(Uint8Array.of(1, 2, 3).subarray(1));
    server.broadcast(Uint8Array.of(4).buffer);
    server.broadcast('');
    for (const { client } of [one, two]) {
      for (const message of ['text ✓', Uint8Array.of(2, 3), Uint8Array.of(4), '']) {
        await until(() => expect(client.getMessage()).toEqual({ message }));
      }
    }
  });

  it.each([125, 126, 0xffff, 0x10000])('frames %i bytes as RFC 6455 says', async (length) => {
    const server = await serve();
    const { client } = await pair(server);
    const sent = Buffer.alloc(length, 'seven');
    server.broadcast(sent);
    for await (const message of client) {
      expect(sent.equals(message as Uint8Array)).toBe(true);
      break;
    }
  });

  it('keeps its place among the messages to one client', async () => {
    const server = await serve({ maxBufferedBytes: 32 * 1024 * 1024 });
    const { client, accepted } = await pair(server);
    const sent: string[] = [];
    for (let index = 0; index < 300; index++) {
      const text = String(index).padEnd(index % 3 === 0 ? 70_000 : 1_000);
      sent.push(text);
      if (index % 2 === 0) server.broadcast(text);
      else accepted.sendMessage(text);
    }
    server.broadcast('');
    accepted.sendMessage('end');
    sent.push('', 'end');
    const got: unknown[] = [];
    client.on('message', (message) => got.push(message));
    await until(() => expect(got).toHaveLength(sent.length));
    expect(got.map((text) => String(text).trimEnd())).toEqual(sent.map((text) => text.trimEnd()));
  });

  it('skips a client that is closing, and does not throw for it', async () => {
    const server = await serve();
    const gone = await pair(server);
    const here = await pair(server);
    void gone.accepted.close();
    server.broadcast('hello');
    await until(() => expect(here.client.getMessage()).toEqual({ message: 'hello' }));
  });

  it('sends the bytes that the buffer has at the call', async () => {
    const server = await serve();
    const socket = await foreignOpen(server);
    const bytes = Buffer.from('now');
    const message = messageOf(socket);
    server.broadcast(bytes);
    bytes.fill(0);
    expect(await message).toBe('now');
  });

  it.each([[42], [undefined], [{}]])('refuses %j', async (message) => {
    const server = await serve();
    expect(() => server.broadcast(message as never)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
  });
});

describe('metrics', () => {
  it('count open clients and all connections, and keep their totals when clients disconnect', async () => {
    const server = await serve();
    const { client, accepted } = await pair(server);
    client.sendMessage('four');
    await until(() => expect(accepted.getMessage()).toEqual({ message: 'four' }));
    accepted.sendMessage('seven..');
    const open = { clients: 1, connectionsTotal: 1, messagesReceived: 1, bytesReceived: 4, messagesSent: 1, bytesSent: 7 };
    expect(server.metrics).toMatchObject(open);
    await accepted.close();
    expect(server.metrics).toMatchObject({ ...open, clients: 0, bufferedBytes: 0 });
  });

  it('are flat, and numbers only', async () => {
    const server = await serve();
    for (const value of Object.values(server.metrics)) expect(value).toBeTypeOf('number');
  });
});

async function readAs(reader: string, client: ServerClient): Promise<unknown[]> {
  const seen: unknown[] = [];
  switch (reader) {
    case 'handler':
      client.on('message', (message) => seen.push(message));
      await new Promise<void>((resolve) => {
        client.on('close', ({ code }) => {
          seen.push(code);
          resolve();
        });
      });
      return seen;
    case 'poll':
      await until(() => {
        const received = client.getMessage();
        if (received !== undefined) seen.push('message' in received ? received.message : received.closeCode);
        expect(seen).toHaveLength(2);
      });
      return seen;
    case 'iteration':
      for await (const message of client) seen.push(message);
      return [...seen, (await client.close()).code];
    default: {
      const { readable } = streams(client);
      for await (const message of readable as unknown as AsyncIterable<unknown>) seen.push(message);
      return [...seen, (await client.close()).code];
    }
  }
}
