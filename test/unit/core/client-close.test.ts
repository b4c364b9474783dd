import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected, thrown } from '../../support/thrown.js';

/** Everything that a closed connection must have released. */
function leftovers(platform: MemoryPlatform) {
  return {
    timers: platform.clock.pendingTimers,
    watchers: platform.watchers,
    liveTransports: platform.transports.filter((transport) => transport.isLive).length,
  };
}

const nothing = { timers: 0, watchers: 0, liveTransports: 0 };

describe('close()', () => {
  it('starts the closing handshake and resolves with the close info', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    const closed = client.close(4000, 'level done');
    expect([client.state, client.isConnectionOpen()]).toEqual(['closing', false]);
    expect(transport.closedWith).toEqual({ code: 4000, reason: 'level done' });
    expect(await closed).toEqual({ code: 4000, reason: 'level done', wasClean: true });
    expect(reported).toEqual(['state open -> closing', 'state closing -> closed', 'close 4000 level done']);
    expect(leftovers(platform)).toEqual(nothing);
  });

  it('sends code 1000 and an empty reason by default', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    expect(await client.close()).toEqual({ code: 1000, reason: '', wasClean: true });
    expect(transport.closedWith).toEqual({ code: 1000, reason: '' });
  });

  it('may be called twice; the second code and reason are ignored', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    const addressResponder = await Promise.all([client.close(4001, 'first'), client.close(4002, 'second')]);
    expect(addressResponder.map(({ code }) => code)).toEqual([4001, 4001]);
    expect((await client.close()).code).toBe(4001);
    expect(transport.closedWith?.code).toBe(4001);
    expect(reported.filter((line) => line.startsWith('close'))).toHaveLength(1);
  });

  it('throws on an invalid code or reason in any state, and the connection stays usable', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const refusals = () => {
      for (const code of [999, 1005, 1006, 5000]) expect(thrown(() => client.close(code)).code).toBe('INVALID_CLOSE');
      expect(thrown(() => client.close(1000, 'é'.repeat(62))).code).toBe('INVALID_CLOSE');
      for (const reason of [new Error('x'), 5, null, {}])
        expect(thrown(() => client.close(4000, reason as never)).code).toBe('INVALID_CLOSE');
    };
    refusals();
    const connected = client.connect();
    refusals();
    platform.transport.accept();
    await connected;
    refusals();
    expect(client.state).toBe('open');
    await client.close();
    refusals();
  });

  it("reports the code and reason of the peer's close frame", async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.answersClose = false;
    const closed = client.close(4000);
    transport.closeFromPeer(1001, 'was going anyway');
    expect(await closed).toEqual({ code: 1001, reason: 'was going anyway', wasClean: true });
  });

  it('ends after closeTimeoutMs when the peer does not answer', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { closeTimeoutMs: 700 });
    transport.answersClose = false;
    const closed = client.close();
    await platform.clock.advance(699);
    expect(client.state).toBe('closing');
    await platform.clock.advance(1);
    expect(await closed).toMatchObject({ code: 1006, wasClean: false });
    expect(transport.detachedWith).toEqual({ code: undefined, reason: undefined });
    expect(leftovers(platform)).toEqual(nothing);
  });

  it("still delivers messages that arrive before the peer's close frame", async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.answersClose = false;
    const reported = record(client);
    const closed = client.close();
    transport.deliver('one more');
    transport.closeFromPeer();
    await closed;
    expect(reported).toEqual(['state open -> closing', 'message one more', 'state closing -> closed', 'close 1000 ']);
  });

  it('may be called before connect(), which then rejects', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    expect(await client.close(4000, 'never mind')).toEqual({ code: 1006, reason: 'never mind', wasClean: false });
    expect((await rejected(client.connect())).code).toBe('NOT_OPEN');
    expect(platform.transports).toHaveLength(0);
    expect(leftovers(platform)).toEqual(nothing);
  });

  it('destroys the transport of a connection attempt, and connect() rejects with NOT_OPEN', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const connected = client.connect();
    expect(await client.close()).toEqual({ code: 1006, reason: '', wasClean: false });
    expect((await rejected(connected)).code).toBe('NOT_OPEN');
    expect(leftovers(platform)).toEqual(nothing);
    platform.transport.events.opened(); // an event that was already queued
    expect(client.state).toBe('closed');
  });

  it('ends a reconnect, during the delay and during the attempt', async () => {
    for (const waitMs of [0, 500]) {
      const platform = new MemoryPlatform({ seed: 5 });
      const { client, transport } = await openClient(platform);
      transport.breakOff();
      await platform.clock.advance(waitMs);
      expect(client.state).toBe('reconnecting');
      expect(await client.close()).toMatchObject({ code: 1006, wasClean: false });
      expect(leftovers(platform)).toEqual(nothing);
      await platform.clock.advance(60_000);
      expect(client.state).toBe('closed');
    }
  });

  it('may be called from any handler', async () => {
    const events = ['state', 'open', 'message', 'reconnecting', 'reconnected', 'error', 'close'] as const;
    for (const event of events) {
      const platform = new MemoryPlatform({ answer: (transport) => transport.accept() });
      const client = memoryClient(platform);
      client.on(event, () => void client.close());
      client.connect().catch(() => {});
      await platform.clock.advance(0);
      platform.transport.deliver('a message');
      platform.transport.breakOff(new WebsocketError('PROTOCOL_ERROR', 'broken'));
      await platform.clock.advance(1000);
      platform.transport.closeFromPeer();
      await client.close();
      expect([event, client.state, leftovers(platform)]).toEqual([event, 'closed', nothing]);
    }
  });

  it('is called by `await using` at the end of the block', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    await client[Symbol.asyncDispose]();
    expect([client.state, transport.closedWith?.code]).toEqual(['closed', 1000]);
  });
});

describe('an error during close()', () => {
  it('is reported, and close() still resolves', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.answersClose = false;
    const reported = record(client);
    const closed = client.close();
    transport.breakOff(new WebsocketError('PROTOCOL_ERROR', 'broken'));
    expect(await closed).toMatchObject({ code: 1006 });
    expect(reported).toEqual(['state open -> closing', 'state closing -> closed', 'error PROTOCOL_ERROR', 'close 1006  (unclean)']);
  });
});

describe('the end of a connection', () => {
  const endings = ['handler', 'polling', 'iteration', 'attached late'] as const;

  it.each(endings)('%s reads a message before the close that arrived in the same packet', async (reader) => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { reconnect: false });
    const reported: string[] = [];
    const iterated = async () => {
      for await (const message of client) reported.push(String(message));
      reported.push(`closed ${(await client.close()).code}`);
    };
    const attach = () => {
      client.on('message', (message) => void reported.push(String(message)));
      client.on('close', ({ code }) => void reported.push(`closed ${code}`));
    };
    if (reader === 'handler') attach();
    const iteration = reader === 'iteration' ? iterated() : undefined;
    transport.deliver('first', 'last');
    if (reader === 'attached late') attach();
    transport.closeFromPeer(4001, 'over');
    if (reader === 'polling') {
      for (let next = client.getMessage(); next !== undefined; next = client.getMessage()) {
        reported.push('message' in next ? String(next.message) : `closed ${next.closeCode}`);
      }
    }
    await iteration;
    await platform.clock.advance(0);
    expect(reported).toEqual(['first', 'last', 'closed 4001']);
  });

  it('is reported after the last message, even when the message handler itself called close()', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    transport.deliver('first', 'last');
    transport.breakOff();
    const reported: string[] = [];
    client.on('close', () => reported.push('closed'));
    client.on('message', (message) => {
      reported.push(String(message));
      void client.close();
    });
    await platform.clock.advance(0);
    expect(reported).toEqual(['first', 'last', 'closed']);
  });

  it('is reported to the owner of the client once it is closed and every buffered message has been read', async () => {
    const finished: string[] = [];
    const { client, transport } = await openClient(new MemoryPlatform(), { onFinished: ({ id }) => finished.push(id) });
    transport.deliver('unread');
    await client.close();
    expect(finished).toEqual([]);
    expect(client.getMessage()).toEqual({ message: 'unread' });
    expect(client.getMessage()).toEqual({ closeCode: 1000, reason: '', wasClean: true });
    expect(finished).toEqual([client.id]);
    expect(client.getMessage()).toBeUndefined();
  });

  it('is final when the peer closes with a code that a reconnect cannot cure, and releases all resources', async () => {
    for (const code of [1000, 1002, 1003, 1007, 1008, 1010, 4400, 4499]) {
      const platform = new MemoryPlatform();
      const { client, transport } = await openClient(platform);
      const reported = record(client);
      transport.closeFromPeer(code, 'no');
      expect(reported).toEqual(['state open -> closed', `close ${code} no`]);
      expect(leftovers(platform)).toEqual(nothing);
    }
  });

  it('follows the first disconnect when `reconnect` is false', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { reconnect: false });
    transport.breakOff();
    expect(client.state).toBe('closed');
    expect(leftovers(platform)).toEqual(nothing);
  });
});
