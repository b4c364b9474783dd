import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { settle } from '../../support/fake-clock.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';

const mine = new Error('a bug of the application');

describe('a handler that throws', () => {
  it('is reported as an `error` event, and the connection stays open', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    const errors: WebsocketError[] = [];
    const got: unknown[] = [];
    client.on('error', (error) => errors.push(error));
    client.on('message', () => {
      throw mine;
    });
    client.on('message', (message) => got.push(message));
    transport.deliver('one', 'two');
    expect(got).toEqual(['one', 'two']);
    expect(errors).toHaveLength(2);
    expect(errors[0]).toMatchObject({ code: 'HANDLER_FAILED', context: { handler: 'message' }, cause: mine });
    expect(client.isConnectionOpen()).toBe(true);
  });

  it('and was set with onMessage is reported as the message handler', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, {
      onMessage: () => {
        throw mine;
      },
    });
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    transport.deliver('one');
    expect(errors[0]).toMatchObject({ code: 'HANDLER_FAILED', context: { handler: 'onMessage' }, cause: mine });
  });

  it('is reported in the log of the platform when there is no `error` listener', async () => {
    const platform = new MemoryPlatform();
    const { client } = await openClient(platform);
    client.on('close', () => {
      throw mine;
    });
    await client.close();
    expect(platform.reported).toEqual([expect.objectContaining({ code: 'HANDLER_FAILED', cause: mine })]);
  });

  it('on `error` is reported in the log of the platform and does not cause another `error` event', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    client.on('error', () => {
      throw mine;
    });
    transport.breakOff(new WebsocketError('PROTOCOL_ERROR', 'broken'));
    expect(platform.reported).toEqual([expect.objectContaining({ code: 'HANDLER_FAILED', context: { handler: 'error' }, cause: mine })]);
    expect(client.state).toBe('reconnecting');
  });

  it('does not keep an event from its other listeners, whichever the event is', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const events = ['state', 'open', 'message', 'reconnecting', 'reconnected', 'error', 'close'] as const;
    for (const event of events) {
      client.on(event, () => {
        throw mine;
      });
    }
    const reported = record(client);
    client.connect().catch(() => {});
    platform.transport.accept().deliver('hello');
    platform.transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept();
    await client.close();
    expect(reported.filter((line) => !line.startsWith('error'))).toEqual([
      'state idle -> connecting',
      'state connecting -> open',
      'open',
      'message hello',
      'state open -> reconnecting',
      'reconnecting 1',
      'state reconnecting -> open',
      'reconnected',
      'state open -> closing',
      'state closing -> closed',
      'close 1000 ',
    ]);
  });
});

describe('a listener that calls a method of the client', () => {
  it('receives the resulting events after the present one', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const reported: string[] = [];
    client.on('state', (now) => {
      reported.push(`first ${now}`);
      if (now === 'open') void client.close();
    });
    client.on('state', (now) => reported.push(`second ${now}`));
    client.on('open', () => reported.push(`open, while ${client.state}`));
    const connected = client.connect();
    platform.transport.accept();
    await connected;
    await client.close();
    expect(reported).toEqual([
      'first connecting',
      'second connecting',
      'first open',
      'second open',
      'open, while closing',
      'first closing',
      'second closing',
      'first closed',
      'second closed',
    ]);
  });

  it('may send: the message is queued behind earlier ones, in the order of the calls', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.on('open', () => client.sendMessage('from open'));
    client.on('state', (now) => {
      if (now === 'open') client.sendMessage('from state');
    });
    client.connect().catch(() => {});
    client.sendMessage('waiting');
    platform.transport.accept();
    client.sendMessage('then');
    expect(platform.transport.sent).toEqual(['waiting', 'from state', 'from open', 'then']);
  });

  it('may send and close in one call: the message is sent first', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    client.on('message', () => {
      client.sendMessage('goodbye');
      void client.close();
    });
    transport.deliver('leave');
    expect((await client.close()).wasClean).toBe(true);
    expect(transport.sent).toEqual(['goodbye']);
  });

  it('may close while a reconnect is reported', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    client.on('reconnecting', () => void client.close());
    transport.breakOff();
    expect(reported).toEqual(['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> closed', 'close 1006  (unclean)']);
    expect(platform.clock.pendingTimers).toBe(0);
  });
});

describe('a message listener', () => {
  it('receives queued messages, and a poll finds none while the listener is present', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.deliver('waits');
    const got: unknown[] = [];
    const off = client.on('message', (message) => got.push(message));
    await settle();
    transport.deliver('comes');
    expect(got).toEqual(['waits', 'comes']);
    expect(client.getMessage()).toBeUndefined();
    off();
    off();
    transport.deliver('polled');
    expect(client.getMessage()).toEqual({ message: 'polled' });
  });

  it('that is removed does not affect other listeners or onMessage', async () => {
    const got: string[] = [];
    const { client, transport } = await openClient(new MemoryPlatform(), {
      onMessage: (message) => got.push(`onMessage ${String(message)}`),
    });
    const off = client.on('message', (message) => got.push(`first ${String(message)}`));
    const offSecond = client.on('message', (message) => got.push(`second ${String(message)}`));
    transport.deliver('1');
    off();
    transport.deliver('2');
    offSecond();
    transport.deliver('3');
    expect(got).toEqual(['onMessage 1', 'first 1', 'second 1', 'onMessage 2', 'second 2', 'onMessage 3']);
  });

  it('receives the client as an argument, as does onMessage', async () => {
    let given: unknown;
    const { client, transport } = await openClient(new MemoryPlatform(), {
      onMessage: (_, from) => {
        given = from;
      },
    });
    transport.deliver('hello');
    expect(given).toBe(client);
  });
});

describe('stats', () => {
  it('count messages and payload bytes in both directions', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    client.sendMessage('grün');
    client.sendMessageBinary(new Uint8Array(10));
    transport.deliver('blau', new Uint8Array([1, 2, 3]));
    expect(client.stats).toEqual({
      messagesSent: 2,
      bytesSent: 15,
      messagesReceived: 2,
      bytesReceived: 7,
      reconnects: 0,
      messagesShed: 0,
      rttMs: undefined,
    });
  });

  it('are a snapshot, not a live view', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const before = client.stats;
    client.sendMessage('x');
    expect(before.messagesSent).toBe(0);
  });
});
