import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CloseInfo, connect, WebsocketClient, type WebsocketError } from '../../src/entry/node.js';
import { rawServer, switchingProtocols } from '../support/raw-peer.js';
import { seededRandom } from '../support/seeded-random.js';
import { startWs, type WsServer } from '../support/ws-server.js';

let ws: WsServer;
let address: string;
beforeAll(async () => {
  ws = await startWs();
  address = `ws://127.0.0.1:${ws.port}`;
});
afterAll(() => ws.end());

/** Runs the event loop for a number of turns; the handshake's progress in them differs. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('abort', () => {
  it('before connect(): rejects with ABORTED and opens no connection', async () => {
    await using silent = await rawServer(() => {});
    const error = await connect(silent.address, { type: 'insecure', signal: AbortSignal.abort('changed my mind') }).catch(
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: 'ABORTED', cause: 'changed my mind' });
    expect(silent.sockets).toHaveLength(0);
  });

  it('while connecting: rejects with ABORTED immediately and destroys the socket', async () => {
    await using silent = await rawServer(() => {});
    const abort = new AbortController();
    const connecting = connect(silent.address, { type: 'insecure', signal: abort.signal });
    await expect.poll(() => silent.sockets.length).toBe(1);
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' });
    await expect.poll(() => (silent.sockets[0] as Socket).closed).toBe(true);
  });

  it('while open: closes with 1000', async () => {
    const abort = new AbortController();
    const client = await connect(address, { type: 'insecure', signal: abort.signal });
    abort.abort();
    expect(await client.close()).toMatchObject({ code: 1000, wasClean: true });
  });

  it('while the address function is pending: its result is not used', async () => {
    await using silent = await rawServer(() => {});
    let answer: (address: string) => void = () => {};
    const thinking = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const abort = new AbortController();
    const connecting = connect(() => thinking, { type: 'insecure', signal: abort.signal });
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'ABORTED' });
    answer(silent.address);
    await turns(10);
    expect(silent.sockets).toHaveLength(0);
  });

  it('at any turn of the handshake: opens or rejects, and leaves no connection and no listener', async () => {
    const random = seededRandom(1);
    const outcomes: string[] = [];
    for (let round = 0; round < 300; round++) {
      const abort = new AbortController();
      const connecting = connect(address, { type: 'insecure', signal: abort.signal });
      await turns(Math.floor(random() * 12));
      abort.abort();
      outcomes.push(
        await connecting.then(
          async (client) => `open, then ${(await client.close()).code}`,
          (error: WebsocketError) => error.code,
        ),
      );
    }
    expect([...new Set(outcomes)].sort()).toEqual(['ABORTED', 'open, then 1000']);
    await expect.poll(() => ws.server.clients.size).toBe(0);
    expect(process.listeners('exit').filter((listener) => 'watchers' in listener)).toEqual([]);
  });
});

describe('close', () => {
  it('before connect(): closes, and connect() rejects', async () => {
    const client = new WebsocketClient(address);
    expect(await client.close()).toMatchObject({ code: 1006, wasClean: false });
    await expect(client.connect()).rejects.toMatchObject({ code: 'NOT_OPEN' });
  });

  it('while connecting: connect() rejects with NOT_OPEN, and a late answer of the server has no effect', async () => {
    let answer = () => {};
    await using slow = await rawServer((socket, request) => {
      answer = () => socket.write(switchingProtocols(request));
    });
    const client = new WebsocketClient(slow.address);
    const states: string[] = [];
    client.on('state', (now) => states.push(now));
    const connecting = client.connect();
    await expect.poll(() => slow.sockets.length).toBe(1);
    const closing = client.close();
    answer();
    await expect(connecting).rejects.toMatchObject({ code: 'NOT_OPEN' });
    expect(await closing).toMatchObject({ code: 1006, wasClean: false });
    await turns(10);
    expect(states).toEqual(['connecting', 'closed']);
  });

  it('twice, and a third time after the end: ends once, with the same result for all calls', async () => {
    const accepted = once(ws.server, 'connection');
    const client = await connect(address, { type: 'insecure' });
    const [peer] = (await accepted) as [import('ws').WebSocket];
    const codes: number[] = [];
    peer.on('close', (code) => codes.push(code));
    const closings = [client.close(4000, 'first'), client.close(4001, 'second')];
    const infos = [...(await Promise.all(closings)), await client.close(4002, 'third')];
    expect(infos).toEqual(Array(3).fill({ code: 4000, reason: 'first', wasClean: true }));
    await expect.poll(() => codes).toEqual([4000]);
  });

  it.each(['open', 'state', 'close', 'error'] as const)('in the handler of `%s` throws nothing', async (event) => {
    await using refusing = await rawServer((socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
    const client = new WebsocketClient(event === 'error' ? refusing.address : address);
    const infos: Promise<CloseInfo>[] = [];
    client.on(event, () => infos.push(client.close()));
    const connecting = client.connect().catch(() => {});
    if (event === 'close') await connecting.then(() => client.close());
    await expect.poll(() => client.state).toBe('closed');
    expect(infos.length).toBeGreaterThan(0);
    const [first] = await Promise.all(infos);
    expect(await client.close()).toEqual(first);
  });

  it('in the handler of a message: the messages behind it are still delivered, then the end', async () => {
    ws.server.once('connection', (socket) => {
      for (const text of ['one', 'two', 'three']) socket.send(text);
    });
    const seen: unknown[] = [];
    const client = new WebsocketClient(address, {
      onMessage: (message, self) => {
        seen.push(message);
        void self.close();
      },
    });
    client.on('close', ({ code }) => seen.push(code));
    await client.connect();
    await expect.poll(() => seen).toEqual(['one', 'two', 'three', 1000]);
  });

  it('from both sides at once: clean on both sides', async () => {
    const accepted = once(ws.server, 'connection');
    const client = await connect(address, { type: 'insecure' });
    const [peer] = (await accepted) as [import('ws').WebSocket];
    const peerEnd = once(peer, 'close');
    peer.close(4001, 'server');
    expect(await client.close(4000, 'client')).toMatchObject({ wasClean: true });
    expect((await peerEnd)[0]).toBe(4000);
  });

  it('without an answer: 1006 after closeTimeoutMs, and the socket is destroyed', async () => {
    await using silent = await rawServer((socket, request) => socket.write(switchingProtocols(request)));
    const client = await connect(silent.address, { type: 'insecure', closeTimeoutMs: 100 });
    expect(await client.close()).toMatchObject({ code: 1006, wasClean: false });
    await expect.poll(() => (silent.sockets[0] as Socket).closed).toBe(true);
  });

  it('at any turn of a connection that the server cuts at any turn: ends once and is reported once', async () => {
    const random = seededRandom(2);
    ws.server.on('connection', cutAtRandom);
    for (let round = 0; round < 200; round++) {
      const client = new WebsocketClient(address, { reconnect: { minDelayMs: 1, maxDelayMs: 1 } });
      let ends = 0;
      client.on('close', () => {
        ends += 1;
      });
      const connecting = client.connect().catch(() => {});
      await turns(Math.floor(random() * 20));
      const closing = client.close();
      await Promise.all([connecting, closing]);
      expect([client.state, ends]).toEqual(['closed', 1]);
    }
    ws.server.off('connection', cutAtRandom);
    await expect.poll(() => ws.server.clients.size).toBe(0);

    function cutAtRandom(socket: import('ws').WebSocket): void {
      socket.on('error', () => {});
      void turns(Math.floor(random() * 10)).then(() => (random() < 0.5 ? socket.terminate() : socket.close(1012)));
    }
  });
});

describe('send', () => {
  it('before connect() and after close(): NOT_OPEN with the state', async () => {
    const client = new WebsocketClient(address);
    expect(() => client.sendMessage('too early')).toThrow(expect.objectContaining({ code: 'NOT_OPEN', context: { state: 'idle' } }));
    await client.connect();
    const closing = client.close();
    expect(() => client.sendMessage('too late')).toThrow(expect.objectContaining({ code: 'NOT_OPEN', context: { state: 'closing' } }));
    await closing;
    expect(() => client.sendMessageBinary(new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'NOT_OPEN', context: { state: 'closed' } }),
    );
  });
});
