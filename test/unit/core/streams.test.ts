import { describe, expect, it } from 'vitest';
import { streams } from '../../../src/core/streams.js';
import type { Message } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { openClient } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected } from '../../support/thrown.js';

async function setUp(platform = new MemoryPlatform()) {
  const { client, transport } = await openClient(platform, {
    reconnect: false,
    inbox: { maxMessages: 4, maxBytes: 1000 },
    outbox: { highWaterBytes: 100, maxBytes: 1000 },
  });
  const { readable, writable } = streams(client);
  return { platform, client, transport, readable: readable as globalThis.ReadableStream<Message>, writable };
}

describe('the readable stream', () => {
  it('yields the messages in order and closes after a clean end', async () => {
    const { transport, readable } = await setUp();
    const got: Message[] = [];
    const reading = readable.pipeTo(new WritableStream({ write: (message) => void got.push(message) }));
    transport.deliver('1', new Uint8Array([2]), '3');
    transport.closeFromPeer(1000, 'done');
    await reading;
    expect(got).toEqual(['1', new Uint8Array([2]), '3']);
  });

  it('errors with CONNECTION_LOST and the close info after an unclean end, behind the last message', async () => {
    const { transport, readable } = await setUp();
    const reader = readable.getReader();
    transport.deliver('last');
    transport.breakOff();
    expect(await reader.read()).toEqual({ done: false, value: 'last' });
    const error = await rejected(reader.read());
    expect(error.code).toBe('CONNECTION_LOST');
    expect(error.context).toEqual({ code: 1006, reason: '', wasClean: false });
  });

  it('reads only as much as is pulled, so a slow reader pauses the socket', async () => {
    const { client, transport, readable } = await setUp();
    await settle();
    transport.deliver('1', '2', '3', '4', '5');
    expect(transport.isPaused).toBe(true);
    const reader = readable.getReader();
    for (const text of ['1', '2', '3']) expect(await reader.read()).toEqual({ done: false, value: text });
    expect(transport.isPaused).toBe(false);
    expect(client.getMessage()).toEqual({ message: '4' });
  });

  it('closes the connection when it is cancelled, even while it waits for a message', async () => {
    for (const isWaiting of [false, true]) {
      const { client, transport, readable } = await setUp();
      const reader = readable.getReader();
      const waiting = isWaiting ? reader.read() : undefined;
      await reader.cancel();
      expect((await waiting)?.done ?? true).toBe(true);
      expect([client.state, transport.closedWith]).toEqual(['closed', { code: 1000, reason: '' }]);
    }
  });

  it('closes the connection when a loop over it is left', async () => {
    const { client, transport, readable } = await setUp();
    transport.deliver('1', '2');
    for await (const message of readable) {
      expect(message).toBe('1');
      break;
    }
    expect(client.state).toBe('closed');
  });
});

describe('the writable stream', () => {
  it('sends text and bytes, and closes the connection when it is closed', async () => {
    const { client, transport, writable } = await setUp();
    const writer = writable.getWriter();
    await writer.write('text');
    await writer.write(new Uint8Array([1, 2]));
    await writer.write(new ArrayBuffer(1));
    await writer.close();
    expect(transport.sent).toEqual(['text', new Uint8Array([1, 2]), new Uint8Array(1)]);
    expect([client.state, transport.closedWith?.code]).toEqual(['closed', 1000]);
    await writer.closed;
  });

  it('applies backpressure from the high-water mark on until half of it is sent', async () => {
    const { transport, writable } = await setUp();
    transport.isCongested = true;
    const writer = writable.getWriter();
    let isWritten = false;
    const written = writer.write('x'.repeat(100)).then(() => {
      isWritten = true;
    });
    await settle();
    expect([isWritten, transport.sent.length]).toEqual([false, 1]);
    transport.flush(60);
    await settle();
    expect(isWritten).toBe(false);
    transport.flush(50);
    await written;
  });

  it('errors with CONNECTION_LOST when the connection ends, even for a writer that waits', async () => {
    const { transport, writable } = await setUp();
    transport.isCongested = true;
    const writer = writable.getWriter();
    const write = writer.write('x'.repeat(100));
    await settle();
    transport.breakOff();
    await expect(write).rejects.toMatchObject({ code: expect.stringMatching(/NOT_OPEN|CONNECTION_LOST/) });
    expect((await rejected(writer.write('more'))).code).toBe('CONNECTION_LOST');
    expect((await rejected(writer.closed)).code).toBe('CONNECTION_LOST');
  });

  it('closes the connection when it is aborted', async () => {
    const { client, transport, writable } = await setUp();
    await writable.abort(new Error('enough'));
    expect([client.state, transport.closedWith?.code]).toEqual(['closed', 1000]);
  });

  it('fails a write of anything that is not a message, and closes the connection', async () => {
    const { writable } = await setUp();
    const writer = writable.getWriter();
    expect((await rejected(writer.write(5 as never))).code).toBe('INVALID_MESSAGE');
    expect((await rejected(writer.closed)).code).toBe('INVALID_MESSAGE');
  });

  it('rejects with NOT_OPEN on a client that is already closed', async () => {
    const { client } = await setUp();
    await client.close();
    const writer = streams(client).writable.getWriter();
    expect((await rejected(writer.write('late'))).code).toBe('NOT_OPEN');
    writer.closed.catch(() => {});
  });
});

describe('both streams', () => {
  it('leave no rejection unhandled when the connection ends, whether they are in use or not', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const { transport } = await setUp();
    const used = await setUp();
    const reader = used.readable.getReader();
    const reading = rejected(reader.read());
    used.writable.getWriter();
    transport.breakOff();
    used.transport.breakOff();
    expect((await reading).code).toBe('CONNECTION_LOST');
    // Node reports unhandled rejections after the microtasks.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('form an echo when the readable is piped to the writable', async () => {
    const { transport, readable, writable } = await setUp();
    const shout = new TransformStream<Message, Message>({
      transform: (message, controller) => controller.enqueue(String(message).toUpperCase()),
    });
    const echo = readable.pipeThrough(shout).pipeTo(writable as globalThis.WritableStream<Message>);
    transport.deliver('a', 'b', 'c');
    await settle();
    expect(transport.sent).toEqual(['A', 'B', 'C']);
    transport.closeFromPeer();
    await echo.catch(() => {}); // the writable stream has ended with the connection
  });
});
