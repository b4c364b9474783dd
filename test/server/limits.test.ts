import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect, type WebsocketError } from '../../src/entry/node.js';
import { TokenBucket } from '../../src/server/rate-limit.js';
import { closeOf, foreignOpen, frame, messageOf, nextClient, Opcode, pair, RawPeer, serve, serveEcho, until } from './support.js';

const KIB = 1024;

/** How many tokens there are. */
function takeAll(bucket: TokenBucket): number {
  let taken = 0;
  while (bucket.take()) taken += 1;
  return taken;
}

describe('messages up to maxMessageBytes', () => {
  it.each([0, 1, 125, 126, 64 * KIB - 1, 64 * KIB])('of %i bytes pass', async (size) => {
    const server = await serveEcho();
    const socket = await foreignOpen(server);
    const text = 'x'.repeat(size);
    const echoed = messageOf(socket);
    socket.send(text);
    expect((await echoed) === text).toBe(true);
  });
});

describe('a maxMessageBytes', () => {
  it.each([2 ** 31, 2 ** 32 + 5, Number.POSITIVE_INFINITY])('of %d accepts smaller messages', async (maxMessageBytes) => {
    const server = await serveEcho({ maxMessageBytes });
    const socket = await foreignOpen(server);
    const echoed = messageOf(socket);
    socket.send('six...');
    expect(await echoed).toBe('six...');
  });

  it('of less than one byte is none the less a bound', async () => {
    const server = await serveEcho({ maxMessageBytes: 0.5 });
    const socket = await foreignOpen(server);
    const closed = closeOf(socket);
    socket.send('two bytes and more');
    expect((await closed).code).toBe(1009);
  });
});

describe('a violation of the protocol ends its own connection, with the close code of RFC 6455', () => {
  // One for each code; test/rfc6455 has all the rules.
  it.each([
    ['64 KiB and one byte', [frame(Opcode.binary, new Uint8Array(64 * KIB + 1))], 1009, 'MESSAGE_TOO_BIG'],
    ['invalid UTF-8 in a text', [frame(Opcode.text, Uint8Array.of(0x63, 0xc3, 0x28))], 1007, 'PROTOCOL_ERROR'],
    ['an unmasked frame', [frame(Opcode.text, 'bare', { masked: false })], 1002, 'PROTOCOL_ERROR'],
    [
      'a message in more pieces than its size allows',
      Array.from({ length: 16_385 }, (_, index) => frame(index === 0 ? Opcode.text : Opcode.continuation, 'x', { fin: false })),
      1008,
      'PROTOCOL_ERROR',
    ],
  ])('%s', async (_what, frames, code, errorCode) => {
    const server = await serveEcho();
    const bystander = await foreignOpen(server);
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const guilty = await accepting;
    const errors: WebsocketError[] = [];
    guilty.on('error', (error) => errors.push(error));
    const closed = new Promise((resolve) => guilty.on('close', resolve));
    peer.send(...frames);
    expect(await peer.closeCode()).toBe(code);
    expect(await closed).toMatchObject({ code, wasClean: false });
    expect(errors).toMatchObject([{ code: errorCode }]);
    expect(server.metrics[code === 1009 ? 'closedTooBig' : 'closedProtocolError']).toBe(1);
    const echoed = messageOf(bystander);
    bystander.send('still here');
    expect(await echoed).toBe('still here');
  });

  it('names the client and the size, in the error and, without a listener, on the console', async () => {
    const lines: string[] = [];
    const spy = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(line));
    onTestFinished(() => spy.mockRestore());
    const server = await serve();
    const quiet = await pair(server);
    quiet.client.sendMessage('x'.repeat(100_000));
    await until(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toBe(
      `gemsocket: client ${quiet.accepted.id} (127.0.0.1): The peer sent a message of 100000 bytes, over maxMessageBytes (65536), and was closed with 1009. Raise the option to receive such messages.`,
    );
    const heard = await pair(server);
    const errors: WebsocketError[] = [];
    heard.accepted.on('error', (error) => errors.push(error));
    heard.client.sendMessage('x'.repeat(70_000));
    await until(() => expect(errors).toMatchObject([{ code: 'MESSAGE_TOO_BIG', context: { size: 70_000, limit: 65_536 } }]));
    expect(lines).toHaveLength(1);
  });

  it('has a line on the console for each client, up to ten a minute, and then a count', async () => {
    const lines: string[] = [];
    const spy = vi.spyOn(console, 'warn').mockImplementation((line) => void lines.push(line));
    onTestFinished(() => spy.mockRestore());
    const server = await serve({ rateLimit: { messagesPerSecond: 0.001, burst: 1 } });
    for (let index = 0; index < 12; index++) {
      const socket = await foreignOpen(server);
      const closed = closeOf(socket);
      socket.send('one');
      socket.send('two');
      await closed;
    }
    await server.close();
    expect(lines).toHaveLength(11);
    expect(new Set(lines).size).toBe(11);
    expect(lines.at(-1)).toBe('gemsocket: 2 more within a minute: clients closed (RATE_LIMITED).');
  });

  it('a connection cut in the middle of a frame is 1006', async () => {
    const server = await serveEcho();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const closed = new Promise((resolve) => void accepting.then((client) => client.on('close', resolve)));
    await accepting;
    peer.send(frame(Opcode.text, 'whole').subarray(0, 7));
    peer.socket.resetAndDestroy();
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
  });

  it('a flood of pings that reads no pong is ended, its memory with it', async () => {
    const server = await serveEcho();
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const client = await accepting;
    peer.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(Opcode.ping, new Uint8Array(125))));
    let mostBuffered = 0;
    while (client.state === 'open') {
      mostBuffered = Math.max(mostBuffered, client.bufferedBytes);
      if (peer.socket.writableLength === 0) peer.socket.write(pings);
      await new Promise(setImmediate);
    }
    expect(mostBuffered).toBeLessThan(64 * KIB);
  });
});

describe('rateLimit', () => {
  it('closes a client that sends more with 1008, and no other client', async () => {
    const server = await serveEcho({ rateLimit: { messagesPerSecond: 0.001, burst: 3 } });
    const bystander = await foreignOpen(server);
    const accepting = nextClient(server);
    const socket = await foreignOpen(server);
    const guilty = await accepting;
    const errors: WebsocketError[] = [];
    guilty.on('error', (error) => errors.push(error));
    const closed = closeOf(socket);
    for (let index = 0; index < 5; index++) socket.send(String(index));
    expect(await closed).toEqual({ code: 1008, reason: 'RATE_LIMITED' });
    expect(guilty.stats.messagesReceived).toBe(3);
    expect(errors).toMatchObject([{ code: 'RATE_LIMITED', context: { messagesPerSecond: 0.001, burst: 3 } }]);
    expect(server.metrics.closedRateLimited).toBe(1);
    const echoed = messageOf(bystander);
    bystander.send('calm');
    expect(await echoed).toBe('calm');
  });

  it('lets a burst through, and refills evenly', () => {
    let now = 0;
    const bucket = new TokenBucket({ messagesPerSecond: 10, burst: 3 }, () => now);
    expect(takeAll(bucket)).toBe(3);
    now += 99;
    expect(takeAll(bucket)).toBe(0);
    now += 1;
    expect(takeAll(bucket)).toBe(1);
    now += 60_000;
    expect(takeAll(bucket)).toBe(3);
    now -= 60_000;
    expect(takeAll(bucket)).toBe(0);
  });

  it('grants after a disconnect the tokens of its time, beyond the burst, up to the longest disconnect', () => {
    let now = 0;
    const bucket = new TokenBucket({ messagesPerSecond: 10, burst: 3 }, () => now);
    expect(takeAll(bucket)).toBe(3);
    now += 2_000;
    bucket.grantDisconnect(2_000, 5_000);
    expect(takeAll(bucket)).toBe(20);
    for (let disconnects = 0; disconnects < 10; disconnects++) {
      now += 60_000;
      bucket.grantDisconnect(60_000, 5_000);
    }
    expect(takeAll(bucket)).toBe(53);
    now += 60_000;
    expect(takeAll(bucket)).toBe(3);
  });

  it('grants nothing for the time that a client was connected and idle', () => {
    let now = 0;
    const bucket = new TokenBucket({ messagesPerSecond: 10, burst: 10 }, () => now);
    expect(takeAll(bucket)).toBe(10);
    now += 12_000;
    bucket.grantDisconnect(8, 120_000);
    expect(takeAll(bucket)).toBe(10);
    now += 60_000;
    for (let disconnects = 0; disconnects < 5; disconnects++) {
      now += 100;
      bucket.grantDisconnect(100, 120_000);
    }
    expect(takeAll(bucket)).toBe(15);
  });
});

describe('maxBufferedBytes', () => {
  it.each(['sendMessage', 'broadcast'] as const)(
    'a client that reads too slowly is closed with 1013, and nothing is thrown: %s',
    async (how) => {
      const maxBufferedBytes = 256 * KIB;
      const server = await serve({ maxBufferedBytes });
      const accepting = nextClient(server);
      const peer = await RawPeer.upgraded(server);
      peer.socket.pause();
      const client = await accepting;
      const log = vi.spyOn(console, 'error');
      onTestFinished(() => log.mockRestore());
      const closed = new Promise((resolve) => client.on('close', resolve));
      const text = 'x'.repeat(16 * KIB);
      let mostBuffered = 0;
      while (client.isConnectionOpen()) {
        if (how === 'broadcast') server.broadcast(text);
        else client.sendMessage(text);
        mostBuffered = Math.max(mostBuffered, client.bufferedBytes);
        await new Promise(setImmediate);
      }
      expect(await closed).toMatchObject({ code: 1013, wasClean: false });
      expect(mostBuffered).toBeLessThanOrEqual(maxBufferedBytes + 32 * KIB);
      expect(server.metrics).toMatchObject({ closedTooSlow: 1, clients: 0, bufferedBytes: 0 });
      expect(server.metrics.messagesUnsent).toBeGreaterThan(0);
      expect(log).not.toHaveBeenCalled();
      peer.socket.resume();
      expect(await peer.closeCode()).toBe(1013);
    },
  );

  it('reports TOO_SLOW and UNSENT to a listener of the client', async () => {
    const server = await serve({ maxBufferedBytes: 64 * KIB });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    peer.socket.pause();
    const client = await accepting;
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    while (client.isConnectionOpen()) {
      client.sendMessageBinary(new Uint8Array(64 * KIB));
      await new Promise(setImmediate);
    }
    expect(errors).toMatchObject([{ code: 'TOO_SLOW', context: { limit: 64 * KIB } }, { code: 'UNSENT' }]);
  });

  it('does not cut off a sender that awaits drained()', async () => {
    const server = await serve({ maxBufferedBytes: 64 * KIB });
    const { client, accepted } = await pair(server);
    let received = 0;
    client.on('message', () => {
      received += 1;
    });
    const text = 'x'.repeat(4 * KIB);
    let waits = 0;
    for (let index = 0; index < 500; index++) {
      if (accepted.sendMessage(text)) continue;
      waits += 1;
      await accepted.drained();
    }
    await until(() => expect(received).toBe(500));
    expect(waits).toBeGreaterThan(0);
  });

  it('lets one message of any size go to a client that reads', async () => {
    const server = await serve({ maxBufferedBytes: 64 * KIB });
    const { client, accepted } = await pair(server);
    accepted.sendMessageBinary(new Uint8Array(4 * 1024 * KIB));
    for await (const message of client) {
      expect(message).toHaveLength(4 * 1024 * KIB);
      break;
    }
  });
});

describe('an application that does not read', () => {
  it('stops the sender: the waiting messages are bounded, and none is lost', async () => {
    const server = await serve({ inbox: { maxMessages: 10 } });
    const { client, accepted } = await pair(server, { outbox: { maxBytes: 1024 * 1024 * KIB } });
    const payload = new Uint8Array(32 * KIB);
    const count = 1_000;
    for (let index = 0; index < count; index++) client.sendMessageBinary(payload);
    await until(() => expect(accepted.stats.messagesReceived).toBeGreaterThanOrEqual(10));
    // Others are read meanwhile; of this one, what was read from the socket in one piece is the most that comes on top.
    const other = await pair(server);
    other.accepted.on('message', () => other.accepted.sendMessage('pong'));
    for (let round = 0; round < 100; round++) {
      other.client.sendMessage('ping');
      await until(() => expect(other.client.getMessage()).toBeDefined());
    }
    expect(accepted.stats.messagesReceived).toBeLessThan(20);
    let read = 0;
    for await (const _message of accepted) {
      read += 1;
      if (read === count) break;
    }
    expect(read).toBe(count);
  });

  it('is not taken for a dead client, and a client that goes meanwhile is noticed', async () => {
    const server = await serve({ inbox: { maxMessages: 1 }, liveness: { pingMs: 20, timeoutMs: 20 } });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const accepted = await accepting;
    peer.send(frame(Opcode.text, 'one'), frame(Opcode.text, 'two'));
    await until(() => expect(accepted.stats.messagesReceived).toBeGreaterThan(0));
    await peer.frame();
    await peer.frame();
    await peer.frame();
    expect(accepted.isConnectionOpen()).toBe(true);
    const closed = new Promise((resolve) => accepted.on('close', resolve));
    peer.socket.resetAndDestroy();
    expect(await closed).toMatchObject({ code: 1006 });
  });
});

describe('liveness', () => {
  it('detaches a client that answers no ping', async () => {
    const server = await serve({ liveness: { pingMs: 20, timeoutMs: 30 } });
    const accepting = nextClient(server);
    const peer = await RawPeer.upgraded(server);
    const client = await accepting;
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    expect((await peer.frame()).opcode).toBe(Opcode.ping);
    await until(() => expect(client.state).toBe('closed'));
    expect(errors).toMatchObject([{ code: 'LINK_DEAD' }]);
    expect(server.metrics).toMatchObject({ closedDead: 1, clients: 0 });
    await peer.ended();
  });

  it('keeps a client that answers, and measures the round trip', async () => {
    const server = await serve({ liveness: { pingMs: 10, timeoutMs: 5_000 } });
    const { accepted } = await pair(server);
    await until(() => expect(accepted.stats.rttMs).toBeGreaterThanOrEqual(0));
    expect(accepted.isConnectionOpen()).toBe(true);
  });
});

describe('the messages of a client', () => {
  it('never throws past its connection: bytes without sense, many times over', async () => {
    const server = await serveEcho();
    const thrown: unknown[] = [];
    const caught = (error: unknown) => thrown.push(error);
    process.on('uncaughtExceptionMonitor', caught);
    onTestFinished(() => void process.off('uncaughtExceptionMonitor', caught));
    let seed = 42;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 16) & 0xff;
    };
    for (let round = 0; round < 100; round++) {
      const peer = await RawPeer.upgraded(server);
      peer.send(Uint8Array.from({ length: 64 }, random));
      peer.socket.end();
    }
    await until(() => expect(server.metrics.clients).toBe(0));
    expect(thrown).toEqual([]);
    const client = await connect(`ws://127.0.0.1:${server.port}`, { type: 'insecure' });
    await client.close();
  });
});
