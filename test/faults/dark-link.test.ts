import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { type ClientOptions, connect, type IWebsocketClient, type WebsocketError } from '../../src/entry/node.js';
import { limit } from '../support/pace.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import { startWs, type WsServer } from '../support/ws-server.js';

const PING_MS = limit(100);
const TIMEOUT_MS = limit(150);
const options: ClientOptions & { type: 'insecure' } = {
  type: 'insecure',
  liveness: { pingMs: PING_MS, timeoutMs: TIMEOUT_MS },
  reconnect: { minDelayMs: 10, maxDelayMs: 10 },
  connectTimeoutMs: limit(200),
};

let ws: WsServer;
let proxy: FaultyProxy;
let client: IWebsocketClient;
beforeEach(async () => {
  ws = await startWs();
  ws.server.on('connection', (socket) => {
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
    socket.on('error', () => {});
  });
  proxy = await startProxy(ws.port);
});
afterEach(async () => {
  await client.close();
  await proxy.close();
  ws.end();
});

async function open(): Promise<IWebsocketClient> {
  client = await connect(`127.0.0.1:${proxy.port}`, options);
  return client;
}

function next<T>(event: 'error' | 'reconnected' | 'message' | 'reconnecting'): Promise<T> {
  return new Promise((resolve) => {
    const off = client.on(event, (value: unknown) => {
      off();
      resolve(value as T);
    });
  });
}

describe('a connection over a network that becomes unresponsive without a FIN', () => {
  it.each(['both', 'toClient', 'toServer'] as const)(
    'is detected within pingMs + timeoutMs, and reconnects when the network works again: %s',
    async (direction) => {
      await open();
      const frozenAt = Date.now();
      proxy.freeze(direction);
      const error = await next<WebsocketError>('error');
      const foundMs = Date.now() - frozenAt;
      expect(error).toMatchObject({ code: 'LINK_DEAD', context: { silentMs: expect.any(Number) } });
      // The machine may be late, but the connection never counts as half-open too early.
      expect(foundMs).toBeGreaterThanOrEqual(TIMEOUT_MS);
      expect(foundMs).toBeLessThan(PING_MS + TIMEOUT_MS + limit(1_000));
      expect(client.isConnectionOpen()).toBe(false);
      const reconnected = next('reconnected');
      await proxy.heal();
      await reconnected;
      client.sendMessage('still me');
      expect(await next('message')).toBe('still me');
    },
  );

  it('reports each attempt as timed out while the network is unresponsive', async () => {
    await open();
    proxy.freeze();
    await next('error');
    const { cause } = await next<{ cause: WebsocketError }>('reconnecting');
    const { cause: second } = await next<{ cause: WebsocketError }>('reconnecting');
    expect([cause.code, second.code]).toContain('CONNECT_TIMEOUT');
    const reconnected = next('reconnected');
    await proxy.heal();
    await reconnected;
  });

  it('holds back messages that were sent before the detection, and delivers messages that were sent afterwards', async () => {
    await open();
    proxy.freeze();
    await next('error');
    client.sendMessage('sent while reconnecting');
    expect(client.bufferedBytes).toBe('sent while reconnecting'.length);
    await proxy.heal();
    expect(await next('message')).toBe('sent while reconnecting');
    expect(client.bufferedBytes).toBe(0);
  });

  it('is not detected with liveness: false', async () => {
    client = await connect(`127.0.0.1:${proxy.port}`, { ...options, liveness: false });
    const [socket] = ws.server.clients as Set<WebSocket>;
    let pings = 0;
    socket?.on('ping', () => {
      pings += 1;
    });
    // An echo takes a round trip longer than any ping that would have been sent in the time before.
    for (const deadline = Date.now() + 3 * (PING_MS + TIMEOUT_MS); Date.now() < deadline; ) {
      client.sendMessage('echo');
      await next('message');
    }
    expect(pings).toBe(0);
  });

  it('is not assumed when the network is only slow', async () => {
    const delayMs = 200;
    client = await connect(`127.0.0.1:${proxy.port}`, { ...options, liveness: { pingMs: PING_MS, timeoutMs: limit(20 * delayMs) } });
    proxy.delay(delayMs);
    const states: unknown[] = [];
    client.on('state', (state) => states.push(state));
    const [socket] = ws.server.clients as Set<WebSocket>;
    let pings = 0;
    socket?.on('ping', () => {
      pings += 1;
    });
    await expect.poll(() => pings, { timeout: limit(30_000) }).toBeGreaterThanOrEqual(4);
    expect(states).toEqual([]);
    expect(client.stats.rttMs).toBeGreaterThanOrEqual(2 * delayMs - 10);
  });
});

describe('a connection that is cut', () => {
  it.each(['fin', 'reset'] as const)('by %s reports 1006 as the cause and reconnects', async (how) => {
    await open();
    const reconnecting = next<{ cause: unknown; attempt: number }>('reconnecting');
    const reconnected = next('reconnected');
    proxy.cut(how);
    expect(await reconnecting).toMatchObject({ attempt: 1, cause: { code: 1006, wasClean: false } });
    expect(await reconnected).toMatchObject({ resumed: false, lost: undefined });
    expect(client.stats.reconnects).toBe(1);
  });

  it('reports each failed attempt while the server is unavailable, and reconnects when it is back', async () => {
    await open();
    await proxy.refuse();
    const reconnecting = next('reconnecting');
    proxy.cut('reset');
    await reconnecting;
    expect(await next<{ cause: unknown }>('reconnecting')).toMatchObject({ cause: { context: { systemCode: 'ECONNREFUSED' } } });
    const reconnected = next('reconnected');
    await proxy.heal();
    await reconnected;
  });

  it('ends with reconnect: false, reported by `close` and by the last poll', async () => {
    client = await connect(`127.0.0.1:${proxy.port}`, { ...options, reconnect: false });
    proxy.cut('reset');
    await expect.poll(() => client.getMessage()).toMatchObject({ closeCode: 1006, wasClean: false });
    expect(client.state).toBe('closed');
  });
});

describe('a network with little bandwidth', () => {
  it('delivers all messages in order, however slowly', async () => {
    client = await connect(`127.0.0.1:${proxy.port}`, { ...options, liveness: false }); // the pongs are as slow as the messages
    proxy.throttle(2_000_000);
    for (let number = 0; number < 100; number++) client.sendMessage(`${number} ${'x'.repeat(5_000)}`);
    const numbers: number[] = [];
    for await (const message of client) {
      numbers.push(Number.parseInt(String(message), 10));
      if (numbers.length === 100) break;
    }
    expect(numbers).toEqual(Array.from({ length: 100 }, (_, number) => number));
  });
});
