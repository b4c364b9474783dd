import { describe, expect, it } from 'vitest';
import type { LinkHost } from '../../../src/core/link.js';
import { PlainLink, WIRE_MARK_BYTES } from '../../../src/core/plain-link.js';
import type { WireEvents } from '../../../src/core/wire.js';
import { MemoryWire } from '../../support/memory-wire.js';
import { thrown } from '../../support/thrown.js';

const KIB = 1024;

function setUp(maxBytes = 1024 * KIB) {
  const told: string[] = [];
  const host: LinkHost = {
    ready: (continuity) => told.push(`ready, lost ${continuity.lost}`),
    deliver: (message, bytes) => told.push(`deliver ${String(message)} of ${bytes}`),
    sent: (bytes) => told.push(`sent ${bytes}`),
    shed: () => told.push('shed'),
    drained: () => told.push('drained'),
    pong: () => told.push('pong'),
    fail: (code) => told.push(`fail ${code}`),
  };
  const link = new PlainLink(host, { highWaterBytes: maxBytes, maxBytes });
  const wire = () => new MemoryWire({} as never, {} as WireEvents, { canPing: true, canPause: true });
  return { link, told, wire };
}

function send(link: PlainLink, text: string, delivery: Parameters<PlainLink['send']>[2] = 'reliable'): void {
  link.send(text, text.length, delivery);
}

/** A wire whose buffer is over the mark, so that nothing more is handed to it. */
function congested(wire: MemoryWire): MemoryWire {
  wire.bufferedBytes = WIRE_MARK_BYTES;
  return wire;
}

describe('a plain link', () => {
  it('sends nothing before it has a wire, then all in order', () => {
    const { link, wire, told } = setUp();
    send(link, 'one');
    send(link, 'two');
    expect(link.bufferedBytes).toBe(6);
    const first = wire();
    link.attach(first);
    send(link, 'three');
    expect(first.sent).toEqual(['one', 'two', 'three']);
    expect(link.bufferedBytes).toBe(0);
    expect(told).toContain('ready, lost undefined');
    expect(told.indexOf('ready, lost undefined')).toBeLessThan(told.indexOf('sent 3'));
  });

  it('lets no message overtake one that waits, also when it is sent while the wire opens', () => {
    const sent: PlainLink[] = [];
    const { link, wire } = setUp();
    send(link, 'waiting');
    const own = new PlainLink(
      {
        ready: () => sent.forEach((other) => void send(other, 'sent in ready')),
        deliver() {},
        sent() {},
        shed() {},
        drained() {},
        pong() {},
        fail() {},
      },
      { highWaterBytes: 100, maxBytes: 100 },
    );
    sent.push(own);
    send(own, 'waiting');
    const first = wire();
    own.attach(first);
    expect(first.sent).toEqual(['waiting', 'sent in ready']);
  });

  it('fills the buffer of the wire up to the mark, and keeps the rest until it is drained', () => {
    const { link, wire } = setUp();
    const first = wire();
    first.isCongested = true;
    link.attach(first);
    const block = 'x'.repeat(20 * KIB);
    for (let count = 0; count < 6; count++) send(link, block);
    expect(first.sent).toHaveLength(4); // the fourth passes the mark of 64 KiB
    expect(link.bufferedBytes).toBe(6 * block.length);
    first.bufferedBytes = 0;
    link.drained();
    expect(first.sent).toHaveLength(6);
    expect(link.bufferedBytes).toBe(2 * block.length);
  });

  it('says when something has left', () => {
    const { link, wire, told } = setUp();
    link.attach(congested(wire()));
    told.length = 0;
    link.drained();
    expect(told).toContain('drained');
  });

  it('keeps order across wires', () => {
    const { link, wire } = setUp();
    const [first, second] = [wire(), wire()];
    link.attach(first);
    send(link, '1');
    link.detach();
    send(link, '2');
    send(link, '3');
    link.attach(second);
    send(link, '4');
    expect(first.sent).toEqual(['1']);
    expect(second.sent).toEqual(['2', '3', '4']);
  });

  it('gives nothing to a wire that takes nothing more: it waits for the next', () => {
    const { link, wire, told } = setUp();
    const [first, second] = [wire(), wire()];
    link.attach(first);
    send(link, '1');
    first.isEnding = true;
    send(link, '2');
    send(link, 'volatile', 'volatile');
    link.drained();
    expect([first.sent, told.filter((line) => line === 'shed').length]).toEqual([['1'], 1]);
    link.detach();
    link.attach(second);
    expect(second.sent).toEqual(['2']);
  });

  it('tells that all has left also when the new wire takes it at once, and no drain of its own follows', () => {
    const { link, wire, told } = setUp();
    send(link, 'waiting');
    link.attach(wire());
    expect(told.at(-1)).toBe('drained');
  });

  it('tells that the buffer of a wire is gone with the wire', () => {
    const { link, wire, told } = setUp();
    link.attach(congested(wire()));
    told.length = 0;
    link.detach();
    expect(link.bufferedBytes).toBe(0);
    expect(told).toEqual(['drained']);
  });

  it('refuses what passes the bound, the buffer of the wire included, and keeps what it has', () => {
    const { link, wire } = setUp(100 * KIB);
    const first = congested(wire());
    link.attach(first);
    send(link, 'x'.repeat(36 * KIB));
    const error = thrown(() => send(link, 'x'));
    expect(error.code).toBe('OUTBOX_FULL');
    expect(error.context).toEqual({ buffered: 100 * KIB, size: 1, limit: 100 * KIB });
    first.bufferedBytes = 0;
    link.drained();
    expect(first.sent).toHaveLength(1);
  });

  it('refuses one message that is larger than the outbox, wire or no wire', () => {
    const { link, wire } = setUp(10);
    expect(thrown(() => send(link, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
    link.attach(wire());
    expect(thrown(() => send(link, 'x'.repeat(11))).code).toBe('OUTBOX_FULL');
  });

  it('passes on what comes in', () => {
    const { link, told } = setUp();
    link.received('hello', 5);
    link.consumed();
    expect(told).toEqual(['deliver hello of 5']);
  });

  it('offers the protocols of the application, and tells the choice of the server', () => {
    const { link, wire } = setUp();
    expect(link.offer(['a', 'b'])).toEqual(['a', 'b']);
    const first = wire();
    first.protocol = 'b';
    expect(link.protocolOf(first)).toBe('b');
    expect(link.holdsPeer).toBe(false);
  });
});

describe('a volatile message', () => {
  it('leaves at once or never', () => {
    const { link, wire, told } = setUp();
    const first = wire();
    link.attach(first);
    send(link, 'now', 'volatile');
    congested(first);
    send(link, 'too late', 'volatile');
    first.bufferedBytes = 0;
    link.drained();
    expect(first.sent).toEqual(['now']);
    expect(told.filter((line) => line === 'shed')).toHaveLength(1);
  });

  it('is shed without a wire, and behind a message that waits', () => {
    const { link, wire, told } = setUp();
    send(link, 'nowhere', 'volatile');
    const first = congested(wire());
    link.attach(first);
    send(link, 'waits');
    first.bufferedBytes = 0;
    send(link, 'would overtake', 'volatile');
    expect(told.filter((line) => line === 'shed')).toHaveLength(2);
    expect(link.bufferedBytes).toBe(5);
  });
});

describe('a latest message', () => {
  it('takes the place of the one that waits under its key', () => {
    const { link, wire, told } = setUp();
    send(link, 'position 1', { latest: 'position' });
    send(link, 'chat');
    send(link, 'p2', { latest: 'position' });
    send(link, 'score', { latest: 'score' });
    expect(link.bufferedBytes).toBe(2 + 4 + 5);
    const first = wire();
    link.attach(first);
    send(link, 'p3', { latest: 'position' });
    expect(first.sent).toEqual(['p2', 'chat', 'score', 'p3']);
    expect(told.filter((line) => line === 'shed')).toHaveLength(1);
    expect(told.filter((line) => line.startsWith('sent'))).toEqual(['sent 2', 'sent 4', 'sent 5', 'sent 2']);
  });

  it('needs room only for what it is longer', () => {
    const { link } = setUp(10);
    send(link, '12345678', { latest: 'a' });
    send(link, '1234567890', { latest: 'a' });
    expect(link.bufferedBytes).toBe(10);
    expect(thrown(() => send(link, '12345678901', { latest: 'a' })).context).toEqual({ buffered: 10, size: 1, limit: 10 });
    expect(link.bufferedBytes).toBe(10);
  });

  it('that is shorter than the one before tells that less waits', () => {
    const { link, told } = setUp();
    send(link, 'long message', { latest: 'a' });
    send(link, 'short', { latest: 'a' });
    expect(told).toEqual(['shed', 'drained']);
  });
});

describe('the end of a plain link', () => {
  it('hands over all that waits before the close frame, however full the wire is', () => {
    const { link, wire } = setUp();
    const first = congested(wire());
    first.answersClose = false;
    link.attach(first);
    send(link, 'a');
    send(link, 'b');
    link.close(1000, 'bye');
    expect(first.sent).toEqual(['a', 'b']);
    expect(first.closedWith).toEqual({ code: 1000, reason: 'bye' });
  });

  it('says what never left', () => {
    const { link } = setUp();
    send(link, 'abc');
    send(link, 'de');
    link.close(1000, '');
    expect(link.end()).toEqual({ messages: 2, bytes: 5 });
    expect(link.end()).toEqual({ messages: 0, bytes: 0 });
  });
});
