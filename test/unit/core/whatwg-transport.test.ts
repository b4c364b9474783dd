import { describe, expect, it, test } from 'vitest';
import { WhatwgTransport, type WhatwgWebSocket, whatwgCloseCode } from '../../../src/core/whatwg-transport.js';
import { FakeClock } from '../../support/fake-clock.js';
import { recordedEvents } from '../../support/recorded-events.js';

/** A runtime's WebSocket; the test plays its network. */
class FakeWebSocket implements WhatwgWebSocket {
  readyState = 0;
  bufferedAmount = 0;
  protocol: string | null = 'chat';
  binaryType = 'blob';
  onopen: WhatwgWebSocket['onopen'] = null;
  onmessage: WhatwgWebSocket['onmessage'] = null;
  onclose: WhatwgWebSocket['onclose'] = null;
  onerror: WhatwgWebSocket['onerror'] = null;
  readonly sent: unknown[] = [];
  readonly closedWith: unknown[] = [];

  send(data: string | Uint8Array): void {
    this.sent.push(data);
    this.bufferedAmount += data.length;
  }

  close(code?: number, reason?: string): void {
    this.closedWith.push([code, reason]);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
}

function setUp(protocols: readonly string[] = ['chat']) {
  const socket = new FakeWebSocket();
  const clock = new FakeClock();
  const { events, reported } = recordedEvents();
  const transport = new WhatwgTransport(socket, events, { url: new URL('wss://example.com/'), protocols, maxMessageBytes: 10 }, clock);
  return { socket, clock, reported, transport };
}

describe('a native WebSocket as a transport', () => {
  it('receives bytes as ArrayBuffer, not as Blob, and has neither ping nor pause', () => {
    const { socket, transport } = setUp();
    expect(socket.binaryType).toBe('arraybuffer');
    expect(['ping' in transport, 'pause' in transport, 'resume' in transport]).toEqual([false, false, false]);
  });

  it('reports its events', () => {
    const { socket, reported, transport } = setUp();
    socket.open();
    socket.onmessage?.({ data: 'grün' });
    socket.onmessage?.({ data: new Uint8Array([1, 2]).buffer });
    socket.onclose?.({ code: 1001, reason: 'bye', wasClean: true });
    expect(transport.protocol).toBe('chat');
    expect(reported).toEqual([
      'opened',
      ['grün', 5],
      [new Uint8Array([1, 2]), 2],
      { code: 1001, reason: 'bye', wasClean: true, error: undefined },
    ]);
  });

  it('without bufferedAmount, protocol and wasClean, as in React Native, accepts everything and derives wasClean from the code', () => {
    const { socket, reported, transport } = setUp();
    Object.assign(socket, { bufferedAmount: undefined, protocol: undefined });
    socket.open();
    socket.onclose?.({ code: 4000, reason: '' });
    expect([transport.bufferedBytes, transport.protocol, reported.at(-1)]).toMatchObject([0, '', { code: 4000, wasClean: true }]);
    socket.onclose?.({ code: 1006, reason: '' });
    expect(reported.at(-1)).toMatchObject({ code: 1006, wasClean: false });
  });

  it('that never opened reports CONNECT_FAILED with the address, the only detail that a page may see', () => {
    const { socket, reported } = setUp();
    socket.onclose?.({ code: 1006, reason: '', wasClean: false });
    expect(reported).toEqual([
      { code: 1006, reason: expect.any(String), wasClean: false, error: 'CONNECT_FAILED', context: { address: 'wss://example.com/' } },
    ]);
  });

  it('sends while it is open and nothing afterwards, when its close event is on the way', () => {
    const { socket, transport } = setUp();
    socket.open();
    transport.send('one');
    socket.readyState = 2;
    transport.send('two');
    expect([socket.sent, transport.bufferedBytes]).toEqual([['one'], 3]);
  });

  it('checks its buffer while that is not empty, and reports when it is below the mark', async () => {
    const { socket, clock, reported, transport } = setUp();
    socket.open();
    transport.send('x'.repeat(100 * 1024));
    transport.send('y');
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(100);
    expect(reported).toEqual(['opened']);
    socket.bufferedAmount = 1024;
    await clock.advance(16);
    expect(reported).toEqual(['opened', 'drained']);
    socket.bufferedAmount = 0;
    await clock.advance(16);
    expect(reported).toEqual(['opened', 'drained', 'drained']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not check its buffer when the runtime accepts everything at once', () => {
    const { socket, clock, transport } = setUp();
    socket.open();
    transport.send('');
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops checking its buffer when it is closed or destroyed', () => {
    for (const end of ['closed', 'detached'] as const) {
      const { socket, clock, transport } = setUp();
      socket.open();
      transport.send('waits');
      if (end === 'closed') socket.onclose?.({ code: 1000, reason: '', wasClean: true });
      else transport.detach();
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('reports nothing more once destroyed, and closes as well as the runtime allows', () => {
    const { socket, reported, transport } = setUp();
    socket.open();
    transport.detach(4408, 'INBOX_FULL');
    expect([socket.onopen, socket.onmessage, socket.onclose, socket.onerror]).toEqual([null, null, null, null]);
    expect([reported, socket.closedWith]).toEqual([['opened'], [[4408, 'INBOX_FULL']]]);
    transport.detach();
    expect(socket.closedWith.at(-1)).toEqual([4001, '']);
  });

  it('accepts a message of maxMessageBytes and ends with MESSAGE_TOO_BIG above it, in bytes of UTF-8', () => {
    const { socket, reported } = setUp();
    socket.open();
    socket.onmessage?.({ data: 'x'.repeat(10) });
    socket.onmessage?.({ data: 'é'.repeat(6) });
    expect(reported.slice(1)).toEqual([
      ['x'.repeat(10), 10],
      {
        code: 1009,
        reason: expect.any(String),
        wasClean: false,
        error: 'MESSAGE_TOO_BIG',
        context: { size: 12, limit: 10, closeCode: 1009 },
      },
    ]);
    expect(socket.closedWith).toEqual([[4009, 'message too big']]);
    expect(socket.onmessage).toBeNull();
  });
});

describe('deviations of a runtime from the standard', () => {
  test.each([
    ['none of those offered', ['chat.1', 'chat.2'], ''],
    ['one that was not offered', ['chat.1'], 'other'],
    ['one although none was offered', [], 'other'],
  ])('a server that chooses %s fails the handshake', (_what, offered, chosen) => {
    const { socket, reported } = setUp(offered);
    socket.protocol = chosen;
    socket.open();
    const context = { address: 'wss://example.com/', protocol: chosen };
    expect(reported).toEqual([{ code: 1006, reason: expect.any(String), wasClean: false, error: 'CONNECT_FAILED', context }]);
    expect([socket.closedWith, socket.onmessage, socket.onclose]).toEqual([[[4002, 'subprotocol']], null, null]);
  });

  test.each(['', null])('a protocol of %j counts as none', (protocol) => {
    const { socket, reported, transport } = setUp([]);
    socket.protocol = protocol;
    socket.open();
    expect([reported, transport.protocol]).toEqual([['opened'], '']);
  });

  test('a close with code 0, where the standard has 1006, is reported as 1006', () => {
    const { socket, reported } = setUp();
    socket.open();
    socket.onclose?.({ code: 0, reason: '', wasClean: true });
    expect(reported).toEqual(['opened', { code: 1006, reason: '', wasClean: false, error: undefined }]);
  });

  test('a lone surrogate is replaced before it is sent', () => {
    const { socket, transport } = setUp();
    socket.open();
    transport.send('a\ud800b');
    expect(socket.sent).toEqual(['a\ufffdb']);
  });
});

describe('the close code that the standard lets an application send', () => {
  test.each([
    [1000, 1000],
    [1001, 4001],
    [1008, 4008],
    [1009, 4009],
    [3000, 3000],
    [4999, 4999],
  ])('for %d is %d', (code, sent) => {
    expect(whatwgCloseCode(code)).toBe(sent);
    const { transport, socket } = setUp();
    transport.close(code, 'why');
    expect(socket.closedWith).toEqual([[sent, 'why']]);
  });
});
