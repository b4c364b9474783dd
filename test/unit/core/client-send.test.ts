import { describe, expect, it } from 'vitest';
import { WIRE_MARK_BYTES } from '../../../src/core/plain-link.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected, thrown } from '../../support/thrown.js';

describe('sending', () => {
  it('text and bytes arrive at the wire as they are', async () => {
    const { client, wire } = await openClient(new MemoryPlatform());
    expect(client.sendMessage('grüße')).toBe(true);
    expect(client.sendMessage('')).toBe(true);
    expect(client.sendMessageBinary(new Uint8Array([1, 2, 3]))).toBe(true);
    expect(client.sendMessageBinary(new ArrayBuffer(2))).toBe(true);
    expect(wire.sent).toEqual(['grüße', '', new Uint8Array([1, 2, 3]), new Uint8Array(2)]);
    expect(client.stats).toMatchObject({ messagesSent: 4, bytesSent: 7 + 0 + 3 + 2 });
  });

  it('copies bytes, of any view, so that the caller may use the buffer again', async () => {
    const { client, wire } = await openClient(new MemoryPlatform());
    const buffer = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
    client.sendMessageBinary(buffer);
    client.sendMessageBinary(new Uint8Array(buffer, 2, 3));
    client.sendMessageBinary(new DataView(buffer, 6));
    client.sendMessageBinary(new Uint16Array(buffer, 0, 1));
    client.sendMessageBinary(Buffer.from([9]));
    new Uint8Array(buffer).fill(255);
    expect(wire.sent.map((bytes) => [...(bytes as Uint8Array)])).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [2, 3, 4], [6, 7], [0, 1], [9]]);
    for (const bytes of wire.sent) expect((bytes as Uint8Array).constructor).toBe(Uint8Array);
  });

  it('refuses what is neither, saying which call takes what', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const error = thrown(() => client.sendMessage(new Uint8Array(1) as never));
    expect([error.code, error.message]).toEqual(['INVALID_MESSAGE', expect.stringMatching(/sendMessageBinary/)]);
    for (const nonsense of ['text', null, undefined, 5, {}, [1, 2]]) {
      expect(thrown(() => client.sendMessageBinary(nonsense as never)).code).toBe('INVALID_MESSAGE');
    }
    for (const nonsense of [null, undefined, 5, {}])
      expect(thrown(() => client.sendMessage(nonsense as never)).code).toBe('INVALID_MESSAGE');
  });

  it('in each state is accepted or NOT_OPEN, never dropped', async () => {
    const platform = new MemoryPlatform({ seed: 5 });
    const client = memoryClient(platform);
    const refusal = () => {
      const error = thrown(() => client.sendMessage('no'));
      expect(error.context).toEqual({ state: client.state });
      return error;
    };

    expect(refusal().message).toMatch(/connect\(\) first/); // idle
    const connected = client.connect();
    client.sendMessage('while connecting');
    platform.wire.accept();
    await connected;
    client.sendMessage('while open');
    const first = platform.wire;
    first.breakOff();
    client.sendMessage('while waiting to reconnect');
    await platform.clock.advance(500);
    expect(client.state).toBe('reconnecting');
    client.sendMessage('while reconnecting');
    platform.wire.accept();
    const closed = client.close();
    expect(refusal().code).toBe('NOT_OPEN'); // closing
    await closed;
    expect(refusal().message).toMatch(/new client/); // closed

    expect(first.sent).toEqual(['while connecting', 'while open']);
    expect(platform.wire.sent).toEqual(['while waiting to reconnect', 'while reconnecting']);
  });

  it('that never leaves is told as UNSENT when the connection ends', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    let unsent: unknown;
    client.on('error', (error) => {
      unsent = error;
    });
    client.connect().catch(() => {});
    client.sendMessage('abc');
    client.sendMessage('de');
    await client.close();
    expect(unsent).toMatchObject({ code: 'UNSENT', context: { messages: 2, bytes: 5, code: 1006 } });
    expect(client.bufferedBytes).toBe(0);
  });

  it('that never leaves is reported where nobody listens for errors', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.connect().catch(() => {});
    client.sendMessage('abc');
    await client.close();
    expect(platform.reported).toEqual([expect.objectContaining({ code: 'UNSENT' })]);
  });

  it('hands over all that waits before close()', async () => {
    const { client, wire } = await openClient(new MemoryPlatform());
    wire.isCongested = true;
    wire.bufferedBytes = WIRE_MARK_BYTES;
    client.sendMessage('a');
    client.sendMessage('b');
    expect(wire.sent).toEqual([]);
    const told = record(client);
    await client.close();
    expect(wire.sent).toEqual(['a', 'b']);
    expect(told.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('backpressure', () => {
  const outbox = { highWaterBytes: 100, maxBytes: 1000 };

  it('send says false from the high-water mark on, and drained() resolves at half of it', async () => {
    const platform = new MemoryPlatform();
    const { client, wire } = await openClient(platform, { outbox });
    wire.isCongested = true;
    expect(client.sendMessage('x'.repeat(99))).toBe(true);
    expect(client.sendMessage('x')).toBe(false);
    expect(client.bufferedBytes).toBe(100);
    let isDrained = false;
    void client.drained().then(() => {
      isDrained = true;
    });
    wire.flush(51);
    await platform.clock.advance(0);
    expect(isDrained).toBe(false);
    wire.flush(50);
    await platform.clock.advance(0);
    expect(isDrained).toBe(true);
  });

  it('drained() resolves at once while little waits, also before connect()', async () => {
    const platform = new MemoryPlatform();
    await memoryClient(platform).drained();
    const { client } = await openClient(platform);
    await client.drained();
  });

  it('drained() rejects with NOT_OPEN when the connection ends first, or has ended', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { outbox });
    client.connect().catch(() => {});
    client.sendMessage('x'.repeat(100));
    const drained = client.drained();
    const closed = client.close();
    expect((await rejected(drained)).code).toBe('NOT_OPEN');
    await closed;
    expect((await rejected(client.drained())).code).toBe('NOT_OPEN');
  });

  it('drained() rejects with NOT_OPEN also when what waited is lost with the last wire', async () => {
    const { client, wire } = await openClient(new MemoryPlatform(), { outbox, reconnect: false });
    wire.isCongested = true;
    client.sendMessage('x'.repeat(100));
    const drained = client.drained();
    wire.breakOff();
    expect((await rejected(drained)).code).toBe('NOT_OPEN');
  });

  it('drained() rejects while closing: nothing more can be sent', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const closed = client.close();
    expect((await rejected(client.drained())).context).toEqual({ state: 'closing' });
    await closed;
  });

  it('drained() waits through a reconnect, and ends also when the new wire takes all at once', async () => {
    const platform = new MemoryPlatform();
    const { client, wire } = await openClient(platform, { outbox });
    wire.breakOff();
    client.sendMessage('x'.repeat(200));
    const drained = client.drained();
    await platform.clock.advance(500);
    platform.wire.accept();
    await drained;
    expect(client.bufferedBytes).toBe(0);
  });

  it('drained() ends when what waited is lost with its wire', async () => {
    const platform = new MemoryPlatform();
    const { client, wire } = await openClient(platform, { outbox });
    wire.isCongested = true;
    client.sendMessage('x'.repeat(200));
    const drained = client.drained();
    wire.breakOff();
    await drained;
  });

  it('over maxBytes is OUTBOX_FULL, thrown at the call, with what holds it up', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { outbox });
    client.connect().catch(() => {});
    client.sendMessage('x'.repeat(990));
    const error = thrown(() => client.sendMessage('x'.repeat(11)));
    expect([error.code, error.context]).toEqual(['OUTBOX_FULL', { buffered: 990, size: 11, limit: 1000 }]);
    expect(client.sendMessage('x'.repeat(10))).toBe(false);
    platform.wire.accept();
    expect(platform.wire.sent).toHaveLength(2);
  });

  it('is measured in bytes of UTF-8, not in characters', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { outbox });
    client.connect().catch(() => {});
    client.sendMessage('😀'.repeat(10));
    expect(client.bufferedBytes).toBe(40);
  });
});

describe('delivery by choice of the sender', () => {
  it('volatile and latest messages that are shed are counted', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.connect().catch(() => {});
    expect(client.sendMessage('volatile', 'volatile')).toBe(true);
    client.sendMessage('old position', { latest: 'position' });
    client.sendMessageBinary(new Uint8Array([1]), { latest: 'position' });
    expect(client.stats.messagesShed).toBe(2);
    platform.wire.accept();
    client.sendMessage('now', 'volatile');
    expect(platform.wire.sent).toEqual([new Uint8Array([1]), 'now']);
    expect(client.stats).toMatchObject({ messagesShed: 2, messagesSent: 2, bytesSent: 4 });
  });
});
