import { describe, expect, it } from 'vitest';
import type { WebsocketError } from '../../../src/core/errors.js';
import { TRANSPORT_MARK_BYTES } from '../../../src/core/plain-channel.js';
import type { CloseInfo } from '../../../src/core/types.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected, thrown } from '../../support/thrown.js';

describe('sending', () => {
  it('passes text and bytes to the transport unchanged', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    expect(client.sendMessage('grüße')).toBe(true);
    expect(client.sendMessage('')).toBe(true);
    expect(client.sendMessageBinary(new Uint8Array([1, 2, 3]))).toBe(true);
    expect(client.sendMessageBinary(new ArrayBuffer(2))).toBe(true);
    expect(transport.sent).toEqual(['grüße', '', new Uint8Array([1, 2, 3]), new Uint8Array(2)]);
    expect(client.stats).toMatchObject({ messagesSent: 4, bytesSent: 7 + 0 + 3 + 2 });
  });

  it('copies bytes of any view, so the caller may reuse the buffer', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    const buffer = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
    client.sendMessageBinary(buffer);
    client.sendMessageBinary(new Uint8Array(buffer, 2, 3));
    client.sendMessageBinary(new DataView(buffer, 6));
    client.sendMessageBinary(new Uint16Array(buffer, 0, 1));
    client.sendMessageBinary(Buffer.from([9]));
    new Uint8Array(buffer).fill(255);
    expect(transport.sent.map((bytes) => [...(bytes as Uint8Array)])).toEqual([[0, 1, 2, 3, 4, 5, 6, 7], [2, 3, 4], [6, 7], [0, 1], [9]]);
    for (const bytes of transport.sent) expect((bytes as Uint8Array).constructor).toBe(Uint8Array);
  });

  it('refuses other values, and the error names the method for each type', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const error = thrown(() => client.sendMessage(new Uint8Array(1) as never));
    expect([error.code, error.message]).toEqual(['INVALID_MESSAGE', expect.stringMatching(/sendMessageBinary/)]);
    for (const nonsense of ['text', null, undefined, 5, {}, [1, 2]]) {
      expect(thrown(() => client.sendMessageBinary(nonsense as never)).code).toBe('INVALID_MESSAGE');
    }
    for (const nonsense of [null, undefined, 5, {}])
      expect(thrown(() => client.sendMessage(nonsense as never)).code).toBe('INVALID_MESSAGE');
  });

  it('refuses bytes of a buffer that was transferred', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const view = new Uint8Array(4);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    for (const bytes of [view, view.buffer]) expect(thrown(() => client.sendMessageBinary(bytes)).code).toBe('INVALID_MESSAGE');
    expect(client.sendMessageBinary(new Uint8Array(0))).toBe(true);
  });

  it.each([null, 'volatil', 5, {}, { lastest: 'position' }, { latest: 5 }])('refuses the delivery %j', async (delivery) => {
    const { client } = await openClient(new MemoryPlatform());
    for (const send of [
      () => client.sendMessage('text', delivery as never),
      () => client.sendMessageBinary(new Uint8Array(1), delivery as never),
    ]) {
      const error = thrown(send);
      expect([error.code, error.context]).toEqual(['INVALID_OPTION', { option: 'delivery', value: delivery }]);
    }
    expect(client.stats.messagesSent).toBe(0);
  });

  it('accepts a message or throws NOT_OPEN in each state, and never drops it', async () => {
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
    platform.transport.accept();
    await connected;
    client.sendMessage('while open');
    const first = platform.transport;
    first.breakOff();
    client.sendMessage('while waiting to reconnect');
    await platform.clock.advance(500);
    expect(client.state).toBe('reconnecting');
    client.sendMessage('while reconnecting');
    platform.transport.accept();
    const closed = client.close();
    expect(refusal().code).toBe('NOT_OPEN'); // closing, by its own close()
    await closed;
    expect(refusal().message).toMatch(/new client/); // closed

    expect(first.sent).toEqual(['while connecting', 'while open']);
    expect(platform.transport.sent).toEqual(['while waiting to reconnect', 'while reconnecting']);
  });

  it('reports messages that were never sent as UNSENT when the connection ends', async () => {
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

  it('logs messages that were never sent when there is no `error` listener', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.connect().catch(() => {});
    client.sendMessage('abc');
    await client.close();
    expect(platform.reported).toEqual([expect.objectContaining({ code: 'UNSENT' })]);
  });

  it('passes all queued messages to the transport before close()', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.isCongested = true;
    transport.bufferedBytes = TRANSPORT_MARK_BYTES;
    client.sendMessage('a');
    client.sendMessage('b');
    expect(transport.sent).toEqual([]);
    const reported = record(client);
    await client.close();
    expect(transport.sent).toEqual(['a', 'b']);
    expect(reported.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('sending to a peer that is closing or gone', () => {
  /** A client whose peer has closed with 1008, which is final, and the client's reports. */
  async function closedByPeer() {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const errors: WebsocketError[] = [];
    const listen = () => client.on('error', (error) => errors.push(error));
    transport.closeFromPeer(1008, 'enough');
    expect(client.state).toBe('closed');
    return { client, platform, errors, listen };
  }

  it('returns false and does not throw, for any message', async () => {
    const { client } = await closedByPeer();
    expect(client.sendMessage('text')).toBe(false);
    expect(client.sendMessageBinary(new Uint8Array(1))).toBe(false);
    expect(client.sendMessage('volatile', 'volatile')).toBe(false);
    expect(client.sendMessage('latest', { latest: 'key' })).toBe(false);
    expect(thrown(() => client.sendMessage(5 as never)).code).toBe('INVALID_MESSAGE');
  });

  it('is reported as UNSENT, once for all messages sent until the next microtask', async () => {
    const { client, errors, listen } = await closedByPeer();
    listen();
    client.sendMessage('abc');
    client.sendMessageBinary(new Uint8Array(4));
    expect(errors).toEqual([]);
    await Promise.resolve();
    expect(errors).toMatchObject([{ code: 'UNSENT', context: { messages: 2, bytes: 7, code: 1008 } }]);
    client.sendMessage('later');
    await Promise.resolve();
    expect(errors).toMatchObject([{ context: { messages: 2 } }, { context: { messages: 1, bytes: 5 } }]);
  });

  it('is logged once for each client when there is no `error` listener, however many messages follow', async () => {
    const { client, platform, errors, listen } = await closedByPeer();
    for (let frame = 0; frame < 100; frame++) {
      client.sendMessage('tick');
      await Promise.resolve();
    }
    expect(platform.reported).toMatchObject([{ code: 'UNSENT', context: { messages: 1 } }]);
    listen();
    client.sendMessage('tick');
    await Promise.resolve();
    expect(errors).toMatchObject([{ code: 'UNSENT' }]);
  });

  it('from an `error` listener does not cause endless reports', async () => {
    const { client } = await closedByPeer();
    let reports = 0;
    client.on('error', () => {
      reports += 1;
      client.sendMessage('something is wrong');
    });
    client.sendMessage('tick');
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(reports).toBe(1);
  });

  it('counts into the UNSENT report of the close when the peer started the close', async () => {
    const controller = new AbortController();
    const { client, transport } = await openClient(new MemoryPlatform(), { signal: controller.signal });
    transport.answersClose = false;
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    const closed = new Promise<CloseInfo>((resolve) => client.on('close', resolve));
    controller.abort();
    expect(client.state).toBe('closing');
    expect(client.sendMessage('one')).toBe(false);
    await Promise.resolve();
    expect(client.sendMessage('two')).toBe(false);
    expect(errors).toEqual([]);
    transport.breakOff();
    expect((await closed).code).toBe(1006);
    expect(errors).toMatchObject([{ code: 'UNSENT', context: { messages: 2, bytes: 6, code: 1006 } }]);
  });

  it('throws NOT_OPEN again once the application has called close()', async () => {
    const { client } = await closedByPeer();
    await client.close();
    expect(thrown(() => client.sendMessage('late')).code).toBe('NOT_OPEN');
  });
});

describe('backpressure', () => {
  const outbox = { highWaterBytes: 100, maxBytes: 1000 };

  it('makes send() return false from the high-water mark on, and drained() resolves at half of it', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { outbox });
    transport.isCongested = true;
    expect(client.sendMessage('x'.repeat(99))).toBe(true);
    expect(client.sendMessage('x')).toBe(false);
    expect(client.bufferedBytes).toBe(100);
    let isDrained = false;
    void client.drained().then(() => {
      isDrained = true;
    });
    transport.flush(51);
    await platform.clock.advance(0);
    expect(isDrained).toBe(false);
    transport.flush(50);
    await platform.clock.advance(0);
    expect(isDrained).toBe(true);
  });

  it('lets drained() resolve immediately below the mark, even before connect()', async () => {
    const platform = new MemoryPlatform();
    await memoryClient(platform).drained();
    const { client } = await openClient(platform);
    await client.drained();
  });

  it('makes drained() reject with NOT_OPEN when the connection ends first or has ended', async () => {
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

  it('makes drained() reject with NOT_OPEN even when the queued messages are lost with the last transport', async () => {
    const { client, transport } = await openClient(new MemoryPlatform(), { outbox, reconnect: false });
    transport.isCongested = true;
    client.sendMessage('x'.repeat(100));
    const drained = client.drained();
    transport.breakOff();
    expect((await rejected(drained)).code).toBe('NOT_OPEN');
  });

  it('makes drained() reject while closing, because nothing more can be sent', async () => {
    const { client } = await openClient(new MemoryPlatform());
    const closed = client.close();
    expect((await rejected(client.drained())).context).toEqual({ state: 'closing' });
    await closed;
  });

  it('causes no unhandled rejection when the promise of drained() is not awaited', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { client, transport } = await openClient(new MemoryPlatform(), { outbox, reconnect: false });
    transport.isCongested = true;
    client.sendMessage('x'.repeat(100));
    void client.drained();
    transport.breakOff();
    void client.drained();
    // Node reports unhandled rejections after the microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('keeps drained() pending through a reconnect, and resolves it even when the new transport accepts everything at once', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { outbox });
    transport.breakOff();
    client.sendMessage('x'.repeat(200));
    const drained = client.drained();
    await platform.clock.advance(500);
    platform.transport.accept();
    await drained;
    expect(client.bufferedBytes).toBe(0);
  });

  it('resolves drained() when the buffered messages are lost with their transport', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { outbox });
    transport.isCongested = true;
    client.sendMessage('x'.repeat(200));
    const drained = client.drained();
    transport.breakOff();
    await drained;
  });

  it('throws OUTBOX_FULL from a send that exceeds maxBytes, with the cause of the congestion', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { outbox });
    client.connect().catch(() => {});
    client.sendMessage('x'.repeat(990));
    const error = thrown(() => client.sendMessage('x'.repeat(11)));
    expect([error.code, error.context]).toEqual(['OUTBOX_FULL', { buffered: 990, size: 11, limit: 1000 }]);
    expect(client.sendMessage('x'.repeat(10))).toBe(false);
    platform.transport.accept();
    expect(platform.transport.sent).toHaveLength(2);
  });

  it('is measured in bytes of UTF-8, not in characters', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { outbox });
    client.connect().catch(() => {});
    client.sendMessage('😀'.repeat(10));
    expect(client.bufferedBytes).toBe(40);
  });
});

describe('a delivery that the sender may give up', () => {
  it('counts `volatile` and `latest` messages that are dropped', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.connect().catch(() => {});
    expect(client.sendMessage('volatile', 'volatile')).toBe(true);
    client.sendMessage('old position', { latest: 'position' });
    client.sendMessageBinary(new Uint8Array([1]), { latest: 'position' });
    expect(client.stats.messagesShed).toBe(2);
    platform.transport.accept();
    client.sendMessage('now', 'volatile');
    expect(platform.transport.sent).toEqual([new Uint8Array([1]), 'now']);
    expect(client.stats).toMatchObject({ messagesShed: 2, messagesSent: 2, bytesSent: 4 });
  });
});
