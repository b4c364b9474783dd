import { describe, expect, it } from 'vitest';
import type { ChannelContext } from '../../../src/core/channel.js';
import { PlainChannel, TRANSPORT_MARK_BYTES } from '../../../src/core/plain-channel.js';
import type { TransportEvents } from '../../../src/core/transport.js';
import { MemoryTransport } from '../../support/memory-transport.js';
import { thrown } from '../../support/thrown.js';

const KIB = 1024;

function setUp(maxBytes = 1024 * KIB) {
  const told: string[] = [];
  const sink: ChannelContext['sink'] = {
    deliver: (message, bytes) => told.push(`deliver ${String(message)} of ${bytes}`),
    sent: (bytes) => told.push(`sent ${bytes}`),
    shed: () => told.push('shed'),
    drained: () => told.push('drained'),
    measured: () => told.push('measured'),
  };
  const control = controlWith({
    ready: (continuity) => told.push(`ready, lost ${continuity.lost}`),
    pong: () => told.push('pong'),
    fail: (code) => told.push(`fail ${code}`),
  });
  const channel = new PlainChannel({ sink, control }, { highWaterBytes: maxBytes, maxBytes });
  const transport = () => new MemoryTransport({} as never, {} as TransportEvents, { canPing: true, canPause: true });
  return { channel, told, transport };
}

function controlWith(own: Partial<ChannelContext['control']>): ChannelContext['control'] {
  const none = { ready() {}, pong() {}, fail() {}, ended() {}, terminate() {}, retryAfter() {}, undelivered() {} };
  return { ...none, ...own };
}

function send(channel: PlainChannel, text: string, delivery: Parameters<PlainChannel['send']>[2] = 'reliable'): void {
  channel.send(text, text.length, delivery);
}

/** A wire whose buffer is over the mark, so that nothing more is handed to it. */
function congested(transport: MemoryTransport): MemoryTransport {
  transport.bufferedBytes = TRANSPORT_MARK_BYTES;
  return transport;
}

describe('a plain link', () => {
  it('sends nothing before it has a wire, then all in order', () => {
    const { channel, transport, told } = setUp();
    send(channel, 'one');
    send(channel, 'two');
    expect(channel.bufferedBytes).toBe(6);
    const first = transport();
    channel.attach(first);
    send(channel, 'three');
    expect(first.sent).toEqual(['one', 'two', 'three']);
    expect(channel.bufferedBytes).toBe(0);
    expect(told).toContain('ready, lost undefined');
    expect(told.indexOf('ready, lost undefined')).toBeLessThan(told.indexOf('sent 3'));
  });

  it('lets no message overtake one that waits, also when it is sent while the wire opens', () => {
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

  it('fills the buffer of the wire up to the mark, and keeps the rest until it is drained', () => {
    const { channel, transport } = setUp();
    const first = transport();
    first.isCongested = true;
    channel.attach(first);
    const block = 'x'.repeat(20 * KIB);
    for (let count = 0; count < 6; count++) send(channel, block);
    expect(first.sent).toHaveLength(4); // the fourth passes the mark of 64 KiB
    expect(channel.bufferedBytes).toBe(6 * block.length);
    first.bufferedBytes = 0;
    channel.drained();
    expect(first.sent).toHaveLength(6);
    expect(channel.bufferedBytes).toBe(2 * block.length);
  });

  it('says when something has left', () => {
    const { channel, transport, told } = setUp();
    channel.attach(congested(transport()));
    told.length = 0;
    channel.drained();
    expect(told).toContain('drained');
  });

  it('keeps order across wires', () => {
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

  it('gives nothing to a wire that takes nothing more: it waits for the next', () => {
    const { channel, transport, told } = setUp();
    const [first, second] = [transport(), transport()];
    channel.attach(first);
    send(channel, '1');
    first.isEnding = true;
    send(channel, '2');
    send(channel, 'volatile', 'volatile');
    channel.drained();
    expect([first.sent, told.filter((line) => line === 'shed').length]).toEqual([['1'], 1]);
    channel.detach();
    channel.attach(second);
    expect(second.sent).toEqual(['2']);
  });

  it('tells that all has left also when the new wire takes it at once, and no drain of its own follows', () => {
    const { channel, transport, told } = setUp();
    send(channel, 'waiting');
    channel.attach(transport());
    expect(told.at(-1)).toBe('drained');
  });

  it('tells that the buffer of a wire is gone with the wire', () => {
    const { channel, transport, told } = setUp();
    channel.attach(congested(transport()));
    told.length = 0;
    channel.detach();
    expect(channel.bufferedBytes).toBe(0);
    expect(told).toEqual(['drained']);
  });

  it('refuses what passes the bound, the buffer of the wire included, and keeps what it has', () => {
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

  it('refuses one message that is larger than the outbox, wire or no wire', () => {
    const { channel, transport } = setUp(10);
    expect(thrown(() => send(channel, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
    channel.attach(transport());
    expect(thrown(() => send(channel, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
  });

  it('passes on what comes in', () => {
    const { channel, told } = setUp();
    channel.received('hello', 5);
    channel.consumed();
    expect(told).toEqual(['deliver hello of 5']);
  });

  it('offers the protocols of the application, and tells the choice of the server', () => {
    const { channel, transport } = setUp();
    expect(channel.offer(['a', 'b'])).toEqual(['a', 'b']);
    const first = transport();
    first.protocol = 'b';
    expect(channel.protocolOf(first)).toBe('b');
    expect(channel.holdsPeer).toBe(false);
  });
});

describe('a volatile message', () => {
  it('leaves at once or never', () => {
    const { channel, transport, told } = setUp();
    const first = transport();
    channel.attach(first);
    send(channel, 'now', 'volatile');
    congested(first);
    send(channel, 'too late', 'volatile');
    first.bufferedBytes = 0;
    channel.drained();
    expect(first.sent).toEqual(['now']);
    expect(told.filter((line) => line === 'shed')).toHaveLength(1);
  });

  it('is shed without a wire, and behind a message that waits', () => {
    const { channel, transport, told } = setUp();
    send(channel, 'nowhere', 'volatile');
    const first = congested(transport());
    channel.attach(first);
    send(channel, 'waits');
    first.bufferedBytes = 0;
    send(channel, 'would overtake', 'volatile');
    expect(told.filter((line) => line === 'shed')).toHaveLength(2);
    expect(channel.bufferedBytes).toBe(5);
  });
});

describe('a latest message', () => {
  it('takes the place of the one that waits under its key', () => {
    const { channel, transport, told } = setUp();
    send(channel, 'position 1', { latest: 'position' });
    send(channel, 'chat');
    send(channel, 'p2', { latest: 'position' });
    send(channel, 'score', { latest: 'score' });
    expect(channel.bufferedBytes).toBe(2 + 4 + 5);
    const first = transport();
    channel.attach(first);
    send(channel, 'p3', { latest: 'position' });
    expect(first.sent).toEqual(['p2', 'chat', 'score', 'p3']);
    expect(told.filter((line) => line === 'shed')).toHaveLength(1);
    expect(told.filter((line) => line.startsWith('sent'))).toEqual(['sent 2', 'sent 4', 'sent 5', 'sent 2']);
  });

  it('needs room only for what it is longer', () => {
    const { channel } = setUp(10);
    send(channel, '12345678', { latest: 'a' });
    send(channel, '1234567890', { latest: 'a' });
    expect(channel.bufferedBytes).toBe(10);
    expect(thrown(() => send(channel, '12345678901', { latest: 'a' })).context).toEqual({ buffered: 10, size: 1, limit: 10 });
    expect(channel.bufferedBytes).toBe(10);
  });

  it('that is shorter than the one before tells that less waits', () => {
    const { channel, told } = setUp();
    send(channel, 'long message', { latest: 'a' });
    send(channel, 'short', { latest: 'a' });
    expect(told).toEqual(['shed', 'drained']);
  });
});

describe('the end of a plain link', () => {
  it('hands over all that waits before the close frame, however full the wire is', () => {
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

  it('says what never left', () => {
    const { channel } = setUp();
    send(channel, 'abc');
    send(channel, 'de');
    channel.close(1000, '');
    expect(channel.end()).toEqual({ messages: 2, bytes: 5 });
    expect(channel.end()).toEqual({ messages: 0, bytes: 0 });
  });
});
