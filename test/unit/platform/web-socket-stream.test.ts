import { describe, expect, it, test } from 'vitest';
import { deferred } from '../../../src/core/util.js';
import { webSocketStream } from '../../../src/entry/websocket-stream.js';
import { StreamTransport } from '../../../src/platform/browser/web-socket-stream.js';
import { recordedEvents } from '../../support/recorded-events.js';

type Bytes = string | Uint8Array<ArrayBuffer>;

/** Resolves pending promises, including those of the streams. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Chromium's WebSocketStream; the test plays its network and accepts a written message on request. */
class FakeStream {
  readonly written: Bytes[] = [];
  readonly closedWith: unknown[] = [];
  readonly opened;
  readonly closed;
  take!: () => void;
  incoming!: ReadableStreamDefaultController<string | ArrayBuffer>;
  end!: (how: { closeCode: number; reason: string; isClean: boolean }) => void;
  refuse!: () => void;
  readonly #open: (protocol: string) => void;

  constructor() {
    const readable = new ReadableStream<string | ArrayBuffer>({
      start: (controller) => {
        this.incoming = controller;
      },
    });
    const writable = new WritableStream<Bytes>({
      write: (message) => {
        this.written.push(message);
        return new Promise<void>((resolve) => {
          this.take = resolve;
        });
      },
    });
    const opened = deferred<{ readable: typeof readable; writable: typeof writable; protocol: string }>();
    const closed = deferred<{ closeCode: number; reason: string }>();
    this.opened = opened.promise;
    this.closed = closed.promise;
    this.#open = (protocol) => opened.resolve({ readable, writable, protocol });
    this.end = ({ isClean, ...how }) => (isClean ? closed.resolve(how) : closed.reject(how));
    this.refuse = () => {
      opened.reject(new Error('no'));
      closed.reject({ closeCode: 1006, reason: '' });
    };
  }

  async open(protocol = ''): Promise<void> {
    this.#open(protocol);
    await settled();
  }

  async takeOne(): Promise<void> {
    this.take();
    await settled();
  }

  close(how: object): void {
    this.closedWith.push(how);
  }
}

function setUp() {
  const stream = new FakeStream();
  const { events, reported } = recordedEvents();
  const transport = new StreamTransport(stream as never, events, { address: 'wss://example.com/', maxMessageBytes: 16 });
  return { stream, reported, transport };
}

describe('a WebSocketStream as a transport', () => {
  it('reports its events', async () => {
    const { stream, reported, transport } = setUp();
    await stream.open('chat');
    stream.incoming.enqueue('grün');
    stream.incoming.enqueue(Uint8Array.of(1, 2).buffer);
    stream.incoming.close();
    stream.end({ closeCode: 4001, reason: 'bye', isClean: true });
    await settled();
    expect([transport.protocol, transport.isEnding]).toEqual(['chat', true]);
    expect(reported).toEqual(['opened', ['grün', 5], [Uint8Array.of(1, 2), 2], { code: 4001, reason: 'bye', wasClean: true }]);
  });

  it('that never opened reports CONNECT_FAILED', async () => {
    const { stream, reported } = setUp();
    stream.refuse();
    await settled();
    expect(reported).toEqual([
      {
        code: 1006,
        reason: expect.stringContaining('wss://example.com/'),
        wasClean: false,
        error: 'CONNECT_FAILED',
        context: { address: 'wss://example.com/' },
      },
    ]);
  });

  it('passes the browser one message at a time and reports when its own queue is low', async () => {
    const { stream, reported, transport } = setUp();
    await stream.open();
    for (const message of ['a', 'bb', 'ccc']) transport.send(message);
    expect([stream.written, transport.bufferedBytes]).toEqual([['a'], 6]);
    await stream.takeOne();
    expect([stream.written, transport.bufferedBytes]).toEqual([['a', 'bb'], 5]);
    await stream.takeOne();
    await stream.takeOne();
    expect([stream.written, transport.bufferedBytes, reported]).toEqual([
      ['a', 'bb', 'ccc'],
      0,
      ['opened', 'drained', 'drained', 'drained'],
    ]);
  });

  it('closes after all queued messages and sends nothing more', async () => {
    const { stream, transport } = setUp();
    await stream.open();
    transport.send('first');
    transport.send('second');
    transport.close(1001, 'bye');
    transport.send('late');
    await stream.takeOne();
    expect(stream.closedWith).toEqual([]);
    await stream.takeOne();
    expect([stream.written, stream.closedWith]).toEqual([['first', 'second'], [{ closeCode: 4001, reason: 'bye' }]]);
  });

  it('that is destroyed drops its queue, closes immediately and reports nothing more', async () => {
    const { stream, reported, transport } = setUp();
    await stream.open();
    transport.send('first');
    transport.send('second');
    transport.detach();
    expect(stream.closedWith).toEqual([{ closeCode: 4001, reason: '' }]);
    await stream.takeOne();
    stream.incoming.enqueue('unheard');
    stream.incoming.close();
    stream.end({ closeCode: 4001, reason: '', isClean: true });
    await settled();
    expect([stream.written, reported]).toEqual([['first'], ['opened']]);
  });

  it('reads nothing while paused, but reports an end after which nothing can be read', async () => {
    const { stream, reported, transport } = setUp();
    await stream.open();
    transport.pause();
    stream.incoming.enqueue('asked'); // requested before the pause
    await settled();
    stream.incoming.enqueue('later');
    await settled();
    expect(reported).toEqual(['opened', ['asked', 5]]);
    transport.resume();
    await settled();
    expect(reported.at(-1)).toEqual(['later', 5]);
    transport.pause();
    stream.incoming.error(new Error('reset'));
    stream.end({ closeCode: 1006, reason: '', isClean: false });
    await settled();
    expect(reported.at(-1)).toEqual({ code: 1006, reason: '', wasClean: false });
  });

  it('ends with 1009 at a message that is too big', async () => {
    const { stream, reported } = setUp();
    await stream.open();
    stream.incoming.enqueue('x'.repeat(17));
    await settled();
    expect(reported.at(-1)).toMatchObject({ code: 1009, error: 'MESSAGE_TOO_BIG' });
    expect(stream.closedWith).toEqual([{ closeCode: 4009, reason: 'message too big' }]);
  });
});

test('webSocketStream() throws UNSUPPORTED in a runtime without it, such as Node, with advice', () => {
  expect(() => webSocketStream()).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('Leave the option transport out') }),
  );
});
