import { describe, expect, it } from 'vitest';
import type { ChannelContext } from '../../../src/core/channel.js';
import { PlainChannel, TRANSPORT_MARK_BYTES } from '../../../src/core/plain-channel.js';
import type { TransportEvents } from '../../../src/core/transport.js';
import { MemoryTransport } from '../../support/memory-transport.js';
import { thrown } from '../../support/thrown.js';

const KIB = 1024;

function setUp(maxBytes = 1024 * KIB) {
  const reported: string[] = [];
  const sink: ChannelContext['sink'] = {
    deliver: (message, bytes) => reported.push(`deliver ${String(message)} of ${bytes}`),
    sent: (bytes) => reported.push(`sent ${bytes}`),
    shed: () => reported.push('shed'),
    drained: () => reported.push('drained'),
    measured: () => reported.push('measured'),
  };
  const control = controlWith({
    ready: (continuity) => reported.push(`ready, lost ${continuity.lost}`),
    pong: () => reported.push('pong'),
    fail: (code) => reported.push(`fail ${code}`),
  });
  const channel = new PlainChannel({ sink, control }, { highWaterBytes: maxBytes, maxBytes });
  const transport = () => new MemoryTransport({} as never, {} as TransportEvents, { canPing: true, canPause: true });
  return { channel, reported, transport };
}

function controlWith(own: Partial<ChannelContext['control']>): ChannelContext['control'] {
  const none = { ready() {}, pong() {}, fail() {}, ended() {}, terminate() {}, retryAfter() {}, undelivered() {} };
  return { ...none, ...own };
}

function send(channel: PlainChannel, text: string, delivery: Parameters<PlainChannel['send']>[2] = 'reliable'): void {
  channel.send(text, text.length, delivery);
}

/** A transport whose buffer is above the mark, so that nothing more is passed to it. */
function congested(transport: MemoryTransport): MemoryTransport {
  transport.bufferedBytes = TRANSPORT_MARK_BYTES;
  return transport;
}

describe('a plain channel', () => {
  it('sends nothing before it has a transport, then all in order', () => {
    const { channel, transport, reported } = setUp();
    send(channel, 'one');
    send(channel, 'two');
    expect(channel.bufferedBytes).toBe(6);
    const first = transport();
    channel.attach(first);
    send(channel, 'three');
    expect(first.sent).toEqual(['one', 'two', 'three']);
    expect(channel.bufferedBytes).toBe(0);
    expect(reported).toContain('ready, lost undefined');
    expect(reported.indexOf('ready, lost undefined')).toBeLessThan(reported.indexOf('sent 3'));
  });

  it('lets no message overtake a queued one, even when it is sent while the transport opens', () => {
    const sent: PlainChannel[] = [];
    const { channel, transport } = setUp();
    send(channel, 'waiting');
    const own = new PlainChannel(
      {
        sink: { deliver() {}, sent() {}, shed() {}, drained() {}, measured() {} },
        control: controlWith({ ready: () => sent.forEach((other) => void send(other, 'sent in ready')) }),
      },
      { highWaterBytes: 100, maxBytes: 100 },
    );
    sent.push(own);
    send(own, 'waiting');
    const first = transport();
    own.attach(first);
    expect(first.sent).toEqual(['waiting', 'sent in ready']);
  });

  it('fills the buffer of the transport up to the mark and keeps the rest until it drains', () => {
    const { channel, transport } = setUp();
    const first = transport();
    first.isCongested = true;
    channel.attach(first);
    const block = 'x'.repeat(20 * KIB);
    for (let count = 0; count < 6; count++) send(channel, block);
    expect(first.sent).toHaveLength(4); // the fourth exceeds the mark of 64 KiB
    expect(channel.bufferedBytes).toBe(6 * block.length);
    first.bufferedBytes = 0;
    channel.drained();
    expect(first.sent).toHaveLength(6);
    expect(channel.bufferedBytes).toBe(2 * block.length);
  });

  it('reports when a queued message was sent', () => {
    const { channel, transport, reported } = setUp();
    channel.attach(congested(transport()));
    reported.length = 0;
    channel.drained();
    expect(reported).toContain('drained');
  });

  it('keeps the order across transports', () => {
    const { channel, transport } = setUp();
    const [first, second] = [transport(), transport()];
    channel.attach(first);
    send(channel, '1');
    channel.detach();
    send(channel, '2');
    send(channel, '3');
    channel.attach(second);
    send(channel, '4');
    expect(first.sent).toEqual(['1']);
    expect(second.sent).toEqual(['2', '3', '4']);
  });

  it('passes nothing to a transport that accepts no more: the message waits for the next one', () => {
    const { channel, transport, reported } = setUp();
    const [first, second] = [transport(), transport()];
    channel.attach(first);
    send(channel, '1');
    first.isEnding = true;
    send(channel, '2');
    send(channel, 'volatile', 'volatile');
    channel.drained();
    expect([first.sent, reported.filter((line) => line === 'shed').length]).toEqual([['1'], 1]);
    channel.detach();
    channel.attach(second);
    expect(second.sent).toEqual(['2']);
  });

  it('reports that its queue is empty even when the new transport accepts everything at once, without a drain event', () => {
    const { channel, transport, reported } = setUp();
    send(channel, 'waiting');
    channel.attach(transport());
    expect(reported.at(-1)).toBe('drained');
  });

  it('reports that the buffer of a transport is gone when the transport ends', () => {
    const { channel, transport, reported } = setUp();
    channel.attach(congested(transport()));
    reported.length = 0;
    channel.detach();
    expect(channel.bufferedBytes).toBe(0);
    expect(reported).toEqual(['drained']);
  });

  it('refuses a message that exceeds the bound, which includes the buffer of the transport, and keeps the queue', () => {
    const { channel, transport } = setUp(100 * KIB);
    const first = congested(transport());
    channel.attach(first);
    send(channel, 'x'.repeat(36 * KIB));
    const error = thrown(() => send(channel, 'x'));
    expect(error.code).toBe('OUTBOX_FULL');
    expect(error.context).toEqual({ buffered: 100 * KIB, size: 1, limit: 100 * KIB });
    first.bufferedBytes = 0;
    channel.drained();
    expect(first.sent).toHaveLength(1);
  });

  it('refuses a message that is larger than the outbox, with or without a transport', () => {
    const { channel, transport } = setUp(10);
    expect(thrown(() => send(channel, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
    channel.attach(transport());
    expect(thrown(() => send(channel, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
  });

  it('delivers received messages', () => {
    const { channel, reported } = setUp();
    channel.received('hello', 5);
    channel.consumed();
    expect(reported).toEqual(['deliver hello of 5']);
  });

  it("offers the application's subprotocols and reports the server's choice", () => {
    const { channel, transport } = setUp();
    expect(channel.offer(['a', 'b'])).toEqual(['a', 'b']);
    const first = transport();
    first.protocol = 'b';
    expect(channel.protocolOf(first)).toBe('b');
    expect(channel.holdsPeer).toBe(false);
  });
});

describe('a volatile message', () => {
  it('is sent immediately or dropped', () => {
    const { channel, transport, reported } = setUp();
    const first = transport();
    channel.attach(first);
    send(channel, 'now', 'volatile');
    congested(first);
    send(channel, 'too late', 'volatile');
    first.bufferedBytes = 0;
    channel.drained();
    expect(first.sent).toEqual(['now']);
    expect(reported.filter((line) => line === 'shed')).toHaveLength(1);
  });

  it('is dropped without a transport and behind a queued message', () => {
    const { channel, transport, reported } = setUp();
    send(channel, 'nowhere', 'volatile');
    const first = congested(transport());
    channel.attach(first);
    send(channel, 'waits');
    first.bufferedBytes = 0;
    send(channel, 'would overtake', 'volatile');
    expect(reported.filter((line) => line === 'shed')).toHaveLength(2);
    expect(channel.bufferedBytes).toBe(5);
  });
});

describe('a latest message', () => {
  it('replaces the queued message with the same key', () => {
    const { channel, transport, reported } = setUp();
    send(channel, 'position 1', { latest: 'position' });
    send(channel, 'chat');
    send(channel, 'p2', { latest: 'position' });
    send(channel, 'score', { latest: 'score' });
    expect(channel.bufferedBytes).toBe(2 + 4 + 5);
    const first = transport();
    channel.attach(first);
    send(channel, 'p3', { latest: 'position' });
    expect(first.sent).toEqual(['p2', 'chat', 'score', 'p3']);
    expect(reported.filter((line) => line === 'shed')).toHaveLength(1);
    expect(reported.filter((line) => line.startsWith('sent'))).toEqual(['sent 2', 'sent 4', 'sent 5', 'sent 2']);
  });

  it('needs room only for the bytes that it adds', () => {
    const { channel } = setUp(10);
    send(channel, '12345678', { latest: 'a' });
    send(channel, '1234567890', { latest: 'a' });
    expect(channel.bufferedBytes).toBe(10);
    expect(thrown(() => send(channel, '12345678901', { latest: 'a' })).context).toEqual({ buffered: 10, size: 1, limit: 10 });
    expect(channel.bufferedBytes).toBe(10);
  });

  it('that is shorter than the replaced one reports that less is queued', () => {
    const { channel, reported } = setUp();
    send(channel, 'long message', { latest: 'a' });
    send(channel, 'short', { latest: 'a' });
    expect(reported).toEqual(['shed', 'drained']);
  });
});

describe('the end of a plain channel', () => {
  it('passes all queued messages to the transport before the close frame, however full its buffer is', () => {
    const { channel, transport } = setUp();
    const first = congested(transport());
    first.answersClose = false;
    channel.attach(first);
    send(channel, 'a');
    send(channel, 'b');
    channel.close(1000, 'bye');
    expect(first.sent).toEqual(['a', 'b']);
    expect(first.closedWith).toEqual({ code: 1000, reason: 'bye' });
  });

  it('reports the messages that were never sent', () => {
    const { channel } = setUp();
    send(channel, 'abc');
    send(channel, 'de');
    channel.close(1000, '');
    expect(channel.end()).toEqual({ messages: 2, bytes: 5 });
    expect(channel.end()).toEqual({ messages: 0, bytes: 0 });
  });
});
