import { describe, expect, test } from 'vitest';
import { RequestBus } from '../../../src/bus/request-bus.js';
import { clientParts } from '../../../src/core/client-parts.js';
import { WebsocketError } from '../../../src/core/errors.js';
import type { IWebsocketClient } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import type { MemoryTransport } from '../../support/memory-transport.js';

const refused = new WebsocketError('CONNECT_FAILED', 'Nobody listens there.');

function setUp(answer: (transport: MemoryTransport) => void = (transport) => transport.accept()) {
  const platform = new MemoryPlatform({ answer });
  const bus = new RequestBus((...asked) => clientParts(platform, ...asked), platform.report);
  return { platform, bus };
}

const throws = () => {
  throw new Error('from the application');
};

describe('an exception in a handler of a client on the bus', () => {
  test('is logged when neither the bus nor the client has an `error` listener', async () => {
    const { platform, bus } = setUp();
    bus.createClient('a.example', throws);
    await settle();
    platform.transport.deliver('hello');
    expect(platform.reported).toMatchObject([{ code: 'HANDLER_FAILED', context: { handler: 'onMessage' } }]);
  });

  test('is reported to the bus when it has an `error` listener', async () => {
    const { platform, bus } = setUp();
    const client = bus.createClient('a.example', throws);
    await settle();
    const reported: [IWebsocketClient, string][] = [];
    const off = bus.on('error', (from, { code }) => reported.push([from, code]));
    platform.transport.deliver('hello');
    expect(reported).toEqual([[client, 'HANDLER_FAILED']]);
    expect(platform.reported).toEqual([]);
    off();
    platform.transport.deliver('again');
    expect(reported).toHaveLength(1);
    expect(platform.reported).toHaveLength(1);
  });
});

describe('an unavailable server', () => {
  test('is reported once for each client on the console when there is no `error` listener', async () => {
    const { platform, bus } = setUp((transport) => transport.refuse(refused));
    bus.createClient('a.example');
    await settle();
    expect(platform.reported).toEqual([refused]);
    await platform.clock.advance(60_000);
    expect(platform.transports.length).toBeGreaterThan(3);
    expect(platform.reported).toEqual([refused]);
  });

  test('is reported to an `error` listener of the bus instead of the console', async () => {
    const { platform, bus } = setUp((transport) => transport.refuse(refused));
    const causes: unknown[] = [];
    bus.on('reconnecting', (_client, { cause }) => causes.push(cause));
    bus.createClient('a.example');
    await settle();
    expect([causes, platform.reported]).toEqual([[refused], []]);
  });

  test('ends a client whose retryFirstAttempt is false', async () => {
    const { bus } = setUp((transport) => transport.refuse(refused));
    const client = bus.createClient('a.example', undefined, 'secure', { retryFirstAttempt: false });
    await settle();
    expect(client.state).toBe('closed');
  });
});

describe('events of the bus', () => {
  test('are emitted for clients made before and after the listener was added, with the client as the first argument', async () => {
    const { bus } = setUp();
    const first = bus.createClient('a.example');
    const opened: IWebsocketClient[] = [];
    bus.on('open', (client) => opened.push(client));
    const second = bus.createClient('b.example');
    await settle();
    expect(opened).toEqual([first, second]);
  });

  test('reach two listeners once each, and the remaining one when the other is removed', async () => {
    const { platform, bus } = setUp();
    bus.createClient('a.example');
    await settle();
    const heard: string[] = [];
    const off = bus.on('message', (_client, message) => heard.push(`first ${message}`));
    bus.on('message', (_client, message) => heard.push(`second ${message}`));
    platform.transport.deliver('1');
    off();
    platform.transport.deliver('2');
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });

  test('leave the messages to polls once the last message listener is removed', async () => {
    const { platform, bus } = setUp();
    const client = bus.createClient('a.example');
    await settle();
    bus.on('message', () => {})();
    platform.transport.deliver('hello');
    expect(bus.getMessage(client)).toEqual({ message: 'hello' });
  });
});
