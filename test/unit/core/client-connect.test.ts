import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { resolveOptions } from '../../../src/core/options.js';
import { PlainChannel } from '../../../src/core/plain-channel.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { MemoryTransport } from '../../support/memory-transport.js';
import { TestServerClient } from '../../support/server-client.js';
import { everythingIn, rejected, thrown } from '../../support/thrown.js';

const refused = new WebsocketError('CONNECT_FAILED', 'HTTP 503 instead of 101.', { status: 503 });

describe('connect()', () => {
  it('resolves when the connection is open', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { protocols: ['chat', 'v2.chat'] });
    const reported = record(client);
    expect([client.state, client.isConnectionOpen(), client.protocol]).toEqual(['idle', false, '']);
    const connected = client.connect();
    expect([client.state, client.isConnectionOpen()]).toEqual(['connecting', false]);
    expect(platform.transport.request).toMatchObject({ protocols: ['chat', 'v2.chat'], maxMessageBytes: 16 * 1024 * 1024, node: {} });
    expect(platform.transport.request.url.href).toBe('wss://example.com/game');
    platform.transport.accept('v2.chat');
    await connected;
    expect([client.state, client.isConnectionOpen(), client.protocol]).toEqual(['open', true, 'v2.chat']);
    expect(reported).toEqual(['state idle -> connecting', 'state connecting -> open', 'open']);
  });

  it('may be called twice', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const both = Promise.all([client.connect(), client.connect()]);
    platform.transport.accept();
    await both;
    await client.connect();
    expect(platform.transports).toHaveLength(1);
  });

  it('rejects with NOT_OPEN after close(), both while closing and when closed', async () => {
    const platform = new MemoryPlatform();
    const { client } = await openClient(platform);
    const closed = client.close();
    expect(await rejected(client.connect())).toMatchObject({ code: 'NOT_OPEN', context: { state: 'closing' } });
    await closed;
    expect(await rejected(client.connect())).toMatchObject({ code: 'NOT_OPEN', context: { state: 'closed' } });
    expect(platform.transports).toHaveLength(1);
  });

  it('rejects with the error of the failed attempt and does not retry', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const reported = record(client);
    const connected = client.connect();
    platform.transport.refuse(refused);
    expect(await rejected(connected)).toBe(refused);
    expect(reported).toEqual([
      'state idle -> connecting',
      'state connecting -> closed',
      'error CONNECT_FAILED',
      'close 1006 HTTP 503 instead of 101. (unclean)',
    ]);
    expect(await rejected(client.connect())).toBe(refused);
    expect([platform.clock.pendingTimers, platform.watchers, platform.transports.length]).toEqual([0, 0, 1]);
  });

  it('with retryFirstAttempt keeps trying until the server is up and reports only the first failure', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { retryFirstAttempt: true });
    const connected = client.connect();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      platform.transport.refuse(refused);
      expect(client.state).toBe('reconnecting');
      await platform.clock.advance(platform.clock.nextDelayMs ?? 0);
    }
    platform.transport.accept();
    await connected;
    expect([client.state, platform.reported]).toEqual(['open', [refused]]);
  });

  it('with retryFirstAttempt logs nothing when a `reconnecting` listener reports the failure', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { retryFirstAttempt: true });
    const reported = record(client);
    client.connect().catch(() => {});
    platform.transport.refuse(refused);
    expect(reported).toContain('reconnecting 1');
    expect([reported.filter((line) => line.startsWith('error')), platform.reported]).toEqual([[], []]);
  });

  it('with retryFirstAttempt reports the first failure to an `error` listener', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { retryFirstAttempt: true });
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    client.connect().catch(() => {});
    platform.transport.refuse(refused);
    expect([errors, platform.reported]).toEqual([[refused], []]);
  });

  it('rejects with CONNECT_FAILED and the close code when the server closes during the handshake', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const connected = client.connect();
    platform.transport.closeFromPeer(1008, 'not you');
    const error = await rejected(connected);
    expect(error.code).toBe('CONNECT_FAILED');
    expect(error.context).toEqual({ closeCode: 1008, reason: 'not you' });
  });

  it('rejects with CONNECT_TIMEOUT when the server accepts the TCP connection and sends nothing', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { connectTimeoutMs: 3000 });
    const connected = client.connect();
    await platform.clock.advance(2999);
    expect(client.state).toBe('connecting');
    await platform.clock.advance(1);
    const error = await rejected(connected);
    expect(error.code).toBe('CONNECT_TIMEOUT');
    expect(error.context).toEqual({ timeoutMs: 3000 });
    expect(platform.transport.detachedWith).toEqual({ code: undefined, reason: undefined });
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('opens over a transport that the peer opened, as on a server', () => {
    const platform = new MemoryPlatform();
    const settings = resolveOptions({ reconnect: false });
    const client = new TestServerClient(platform, settings, (context) => new PlainChannel(context, settings.outbox));
    const reported = record(client);
    const transport = new MemoryTransport({} as never, {} as never, { canPing: true, canPause: true });
    expect(client.accept(transport)).toBe(true);
    expect(reported).toEqual(['state idle -> connecting', 'state connecting -> open', 'open']);
    client.sendMessage('hello');
    expect(transport.sent).toEqual(['hello']);
    expect(platform.transports).toEqual([]);
  });

  it('causes no unhandled rejection when its promise is not awaited', async () => {
    const platform = new MemoryPlatform();
    void memoryClient(platform).connect();
    platform.transport.refuse(refused);
    await platform.clock.advance(0); // an unhandled rejection would fail this test
    expect(platform.reported).toEqual([]);
  });
});

describe('a platform that throws when it creates a transport', () => {
  it('rejects connect() with CONNECT_FAILED and does not blame the address function', async () => {
    const platform = new MemoryPlatform();
    const cause = new SyntaxError('bad option');
    const broken = Object.assign(Object.create(platform), {
      dial: () => {
        throw cause;
      },
    }) as MemoryPlatform;
    const error = await rejected(memoryClient(broken).connect());
    expect(error.code).toBe('CONNECT_FAILED');
    expect(error.cause).toBe(cause);
    expect(error.message).not.toMatch(/address function/);
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('keeps its own WebsocketError when it throws one', async () => {
    const broken = Object.assign(Object.create(new MemoryPlatform()), {
      dial: () => {
        throw refused;
      },
    }) as MemoryPlatform;
    expect(await rejected(memoryClient(broken).connect())).toBe(refused);
  });
});

describe('an address function', () => {
  it('is called before every attempt', async () => {
    const platform = new MemoryPlatform();
    let token = 0;
    const client = memoryClient(platform, { address: async () => `wss://example.com/?token=${++token}` });
    const connected = client.connect();
    await platform.clock.advance(0);
    platform.transport.accept();
    await connected;
    platform.transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.breakOff();
    await platform.clock.advance(1000);
    expect(platform.transports.map((transport) => transport.request.url.search)).toEqual(['?token=1', '?token=2', '?token=3']);
  });

  it('may return a string or a URL synchronously', async () => {
    for (const answer of ['example.com/x', new URL('wss://example.com/x')]) {
      const platform = new MemoryPlatform();
      const client = memoryClient(platform, { address: () => answer });
      void client.connect();
      await platform.clock.advance(0);
      expect(platform.transport.request.url.href).toBe('wss://example.com/x');
      await client.close();
    }
  });

  it('that throws rejects connect() with CONNECT_FAILED and the cause', async () => {
    const cause = new Error('no token today');
    const failing = [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ];
    for (const address of failing) {
      const platform = new MemoryPlatform();
      const client = memoryClient(platform, { address });
      const error = await rejected(client.connect());
      expect([error.code, error.cause]).toEqual(['CONNECT_FAILED', cause]);
      expect([client.state, platform.transports.length, platform.clock.pendingTimers, platform.watchers]).toEqual(['closed', 0, 0, 0]);
    }
  });

  it('that throws during a reconnect is called again for the next attempt', async () => {
    const platform = new MemoryPlatform();
    let asked = 0;
    const client = memoryClient(platform, {
      address: () => {
        asked += 1;
        if (asked === 2) throw new Error('not now');
        return 'example.com';
      },
    });
    const connected = client.connect();
    await platform.clock.advance(0);
    platform.transport.accept();
    await connected;
    platform.transport.breakOff();
    await platform.clock.advance(2000);
    expect(asked).toBe(3);
    platform.transport.accept();
    expect(client.state).toBe('open');
  });

  it('that returns an invalid address rejects connect() as that address would', async () => {
    const addressResponder = { 'ws://example.com': 'INSECURE_ADDRESS', 'wss://a:b@example.com': 'INVALID_ADDRESS', '': 'INVALID_ADDRESS' };
    for (const [answer, code] of Object.entries(addressResponder)) {
      const error = await rejected(memoryClient(new MemoryPlatform(), { address: async () => answer }).connect());
      expect(error.code).toBe(code);
    }
    const error = await rejected(memoryClient(new MemoryPlatform(), { address: (() => undefined) as never }).connect());
    expect(error.code).toBe('INVALID_ADDRESS');
  });

  it('that exceeds the time limit rejects with CONNECT_TIMEOUT, and its late result is ignored', async () => {
    const platform = new MemoryPlatform();
    let answer = (_: string) => {};
    const client = memoryClient(platform, {
      address: () =>
        new Promise<string>((resolve) => {
          answer = resolve;
        }),
    });
    const connected = client.connect();
    await platform.clock.advance(10_000);
    expect((await rejected(connected)).code).toBe('CONNECT_TIMEOUT');
    answer('example.com');
    await platform.clock.advance(0);
    expect([platform.transports.length, platform.clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe('an invalid argument', () => {
  const platform = new MemoryPlatform({ acceptsNodeOptions: false });

  it('in place of the address throws synchronously', () => {
    expect(thrown(() => memoryClient(platform, { address: 'ws://example.com' })).code).toBe('INSECURE_ADDRESS');
    expect(thrown(() => memoryClient(platform, { address: '' })).code).toBe('INVALID_ADDRESS');
    expect(() => memoryClient(platform, { address: 'ws://example.com', type: 'insecure' })).not.toThrow();
  });

  it('in place of the type throws synchronously', () => {
    const error = thrown(() => memoryClient(platform, { type: 'Secure' as never }));
    expect([error.code, error.context]).toEqual(['INVALID_OPTION', { option: 'type', value: 'Secure' }]);
  });

  it('in an option throws synchronously', () => {
    expect(thrown(() => memoryClient(platform, { connectTimeoutMs: -1 })).code).toBe('INVALID_OPTION');
  });

  it('for which the platform has no support throws UNSUPPORTED, and the message does not show its value', () => {
    const error = thrown(() => memoryClient(platform, { node: { headers: { authorization: 'Bearer hunter2' } } }));
    expect([error.code, error.context]).toEqual(['UNSUPPORTED', { option: 'node', platform: 'memory' }]);
    expect(everythingIn(error)).not.toContain('hunter2');
    const node = { headers: { authorization: 'Bearer hunter2' } };
    const accepting = new MemoryPlatform();
    void memoryClient(accepting, { node }).connect();
    expect(accepting.transport.request.node).toEqual(node);
  });
});

describe('a client of the bus', () => {
  it('retries when its first attempt fails and reports each retry as an event', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { retryFirstAttempt: true });
    const reported = record(client);
    const connected = client.connect();
    client.sendMessage('waits');
    platform.transport.refuse(refused);
    expect(client.state).toBe('reconnecting');
    await platform.clock.advance(500);
    platform.transport.refuse(refused);
    await platform.clock.advance(1000);
    platform.transport.accept();
    await connected;
    expect(reported).toEqual([
      'state idle -> connecting',
      'state connecting -> reconnecting',
      'reconnecting 1',
      'reconnecting 2',
      'state reconnecting -> open',
      'open',
    ]);
    expect(platform.transport.sent).toEqual(['waits']);
    expect(client.stats.reconnects).toBe(0);
  });

  it('stops after maxAttempts and reports the last error', async () => {
    const platform = new MemoryPlatform({ answer: (transport) => transport.refuse(refused) });
    const client = memoryClient(platform, { retryFirstAttempt: true, reconnect: { maxAttempts: 3 } });
    const connected = client.connect();
    await platform.clock.advance(60_000);
    expect(await rejected(connected)).toBe(refused);
    expect([platform.transports.length, client.state, platform.clock.pendingTimers, platform.watchers]).toEqual([4, 'closed', 0, 0]);
  });
});

describe('the id of a client', () => {
  it('is unique and has its full length even when the random source returns a constant', () => {
    const platform = new MemoryPlatform();
    const ids = Array.from({ length: 10_000 }, () => memoryClient(platform).id);
    expect(new Set(ids).size).toBe(10_000);
    const dull = Object.assign(Object.create(platform), { random: () => 0 }) as MemoryPlatform;
    expect(memoryClient(dull).id).toMatch(/^[0-9a-z]{20}$/);
  });
});

describe('AbortSignal', () => {
  it('aborted before connect() rejects with ABORTED and opens no transport', async () => {
    const platform = new MemoryPlatform();
    const reason = new Error('changed my mind');
    const client = memoryClient(platform, { signal: AbortSignal.abort(reason) });
    const reported = record(client);
    const error = await rejected(client.connect());
    expect([error.code, error.cause]).toEqual(['ABORTED', reason]);
    expect(reported).toEqual(['state idle -> closed', 'close 1006 aborted (unclean)']);
    expect([platform.transports.length, platform.clock.pendingTimers, platform.watchers]).toEqual([0, 0, 0]);
  });

  it('aborted while connecting destroys the transport and rejects with ABORTED', async () => {
    const platform = new MemoryPlatform();
    const controller = new AbortController();
    const client = memoryClient(platform, { signal: controller.signal });
    const connected = client.connect();
    controller.abort('enough');
    const error = await rejected(connected);
    expect([error.code, error.cause, client.state]).toEqual(['ABORTED', 'enough', 'closed']);
    expect(platform.transport.isLive).toBe(false);
    expect([platform.clock.pendingTimers, platform.watchers]).toEqual([0, 0]);
  });

  it('aborted while the address function runs opens no transport', async () => {
    const platform = new MemoryPlatform();
    const controller = new AbortController();
    const client = memoryClient(platform, { signal: controller.signal, address: async () => 'example.com' });
    const connected = client.connect();
    controller.abort();
    expect((await rejected(connected)).code).toBe('ABORTED');
    await platform.clock.advance(0);
    expect(platform.transports).toHaveLength(0);
  });

  it('aborted while open closes the connection', async () => {
    const platform = new MemoryPlatform();
    const controller = new AbortController();
    const { client, transport } = await openClient(platform, { signal: controller.signal });
    controller.abort();
    expect(client.state).toBe('closing');
    expect(await client.close()).toEqual({ code: 1000, reason: 'aborted', wasClean: true });
    expect(transport.closedWith).toEqual({ code: 1000, reason: 'aborted' });
  });

  it('aborted while reconnecting ends the delay', async () => {
    const platform = new MemoryPlatform();
    const controller = new AbortController();
    const { client, transport } = await openClient(platform, { signal: controller.signal });
    transport.breakOff();
    controller.abort();
    expect([client.state, platform.clock.pendingTimers, platform.watchers]).toEqual(['closed', 0, 0]);
  });

  it('has no listener left once the connection is closed', async () => {
    let listeners = 0;
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: () => {
        listeners += 1;
      },
      removeEventListener: () => {
        listeners -= 1;
      },
    } as unknown as AbortSignal;
    const { client } = await openClient(new MemoryPlatform(), { signal });
    expect(listeners).toBe(1);
    await client.close();
    expect(listeners).toBe(0);
  });
});
