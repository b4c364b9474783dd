import { describe, expect, it } from 'vitest';
import type { Channel, ChannelContext, ChannelControl, ChannelSink, MakeChannel } from '../../../src/core/channel.js';
import type { ChannelFeature } from '../../../src/core/client-parts.js';
import { WebsocketError } from '../../../src/core/errors.js';
import { redial } from '../../../src/core/machine.js';
import type { Transport } from '../../../src/core/transport.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected } from '../../support/thrown.js';

/** Has a handshake before messages may flow, applies backpressure to its peer, and pings in messages, as a session does. */
class HandshakeChannel implements Channel {
  readonly bufferedBytes = 0;
  readonly recover = redial;
  readonly resumes = true;
  readonly isDone = false;
  readonly holdsPeer = true;
  readonly control: ChannelControl;
  readonly #sink: ChannelSink;
  pings = 0;
  consumedBytes = 0;
  #transport: Transport | undefined;

  constructor({ sink, control }: ChannelContext) {
    this.#sink = sink;
    this.control = control;
  }

  readonly ping = (): void => {
    this.pings += 1;
  };

  offer = (protocols: readonly string[]) => ['handshake', ...protocols];
  protocolOf = (transport: Transport) => transport.protocol.replace('handshake', '');

  send(message: string | Uint8Array<ArrayBuffer>): number {
    this.#transport?.send(message);
    return 0;
  }

  attach(transport: Transport): void {
    this.#transport = transport;
    transport.send('hello?');
  }

  detach(): void {
    this.#transport = undefined;
  }

  received(message: string | Uint8Array, bytes: number): void {
    if (message === 'hello!') this.control.ready({ resumed: true, replayed: 3, lost: 0, reason: 'the peer remembers' });
    else if (message === 'pong') this.control.pong();
    else if (message === 'nonsense') this.control.fail(1002, new WebsocketError('PROTOCOL_ERROR', 'Nonsense.'));
    else this.#sink.deliver(message, bytes);
  }

  drained(): void {}

  consumed(bytes: number): void {
    this.consumedBytes += bytes;
  }

  close(code: number, reason: string): void {
    this.#transport?.close(code, reason);
  }

  end = () => ({ messages: 0, bytes: 0 });
}

function setUp(options = {}) {
  let channel: HandshakeChannel | undefined;
  const feature: ChannelFeature = {
    name: 'gem.1',
    options: { ackDelayMs: 0, batchDelayMs: 0, windowBytes: 0, replayBytes: 0 },
    makeChannel: (): MakeChannel => (context) => {
      channel = new HandshakeChannel(context);
      return channel;
    },
  };
  const platform = new MemoryPlatform();
  const client = memoryClient(platform, { session: feature, protocols: ['chat'], ...options });
  if (channel === undefined) throw new Error('no channel was made');
  return { platform, client, channel };
}

async function setUpOpen(options = {}) {
  const parts = setUp(options);
  const connected = parts.client.connect();
  parts.platform.transport.accept('handshake').deliver('hello!');
  await connected;
  return parts;
}

describe('a connection whose channel has a handshake', () => {
  it('is open when the channel is ready, not when the transport is', async () => {
    const { platform, client } = setUp();
    const reported = record(client);
    const connected = client.connect();
    expect(platform.transport.request.protocols).toEqual(['handshake', 'chat']);
    platform.transport.accept('handshake');
    expect([client.state, client.isConnectionOpen(), platform.transport.sent]).toEqual(['connecting', false, ['hello?']]);
    platform.transport.deliver('hello!');
    await connected;
    expect(reported).toEqual(['state idle -> connecting', 'state connecting -> open', 'open']);
    expect(client.protocol).toBe('');
  });

  it('times out when the channel does not get ready, even if the transport is open', async () => {
    const { platform, client } = setUp();
    const connected = client.connect();
    platform.transport.accept('handshake');
    await platform.clock.advance(10_000);
    expect((await rejected(connected)).code).toBe('CONNECT_TIMEOUT');
    expect([platform.transport.isLive, platform.clock.pendingTimers]).toEqual([false, 0]);
  });

  it("reports the channel's account of a disconnect", async () => {
    const { platform, client } = await setUpOpen();
    let continuity: unknown;
    client.on('reconnected', (reported) => {
      continuity = reported;
    });
    platform.transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept('handshake').deliver('hello!');
    expect(continuity).toEqual({ resumed: true, replayed: 3, lost: 0, reason: 'the peer remembers' });
  });

  it('accepts `ready` once for each transport, and not after that transport is gone', async () => {
    const { platform, client, channel } = await setUpOpen();
    const reported = record(client);
    platform.transport.deliver('hello!');
    await client.close();
    channel.control.ready({ resumed: false, replayed: 0, lost: 0, reason: 'late' });
    expect(reported).toEqual(['state open -> closing', 'state closing -> closed', 'close 1000 ']);
  });

  it("is closed with the channel's code when the peer violates the protocol", async () => {
    const { platform, client, channel } = await setUpOpen();
    const reported = record(client);
    platform.transport.deliver('nonsense', 'not delivered any more');
    expect(reported).toEqual(['state open -> closed', 'error PROTOCOL_ERROR', 'close 1002 PROTOCOL_ERROR (unclean)']);
    expect(platform.transport.detachedWith).toEqual({ code: 1002, reason: 'PROTOCOL_ERROR' });
    channel.control.fail(1002, new WebsocketError('PROTOCOL_ERROR', 'Twice.'));
    expect(reported).toHaveLength(3);
  });

  it('rejects connect() when the peer violates the protocol of the handshake', async () => {
    const { platform, client } = setUp();
    const connected = client.connect();
    platform.transport.accept('handshake').deliver('nonsense');
    expect((await rejected(connected)).code).toBe('PROTOCOL_ERROR');
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('pings with the channel instead of the transport', async () => {
    const { platform, client, channel } = await setUpOpen();
    await platform.clock.advance(15_000);
    expect([channel.pings, platform.transport.pings]).toEqual([1, 0]);
    await platform.clock.advance(42);
    platform.transport.deliver('pong');
    expect(client.stats.rttMs).toBe(42);
  });

  it('does not pause a transport when the channel applies backpressure, and reports reads to the channel', async () => {
    const { platform, client, channel } = await setUpOpen({ inbox: { maxMessages: 2, maxBytes: 1000 } });
    platform.transport.deliver('a', 'b', 'c', 'd');
    expect([platform.transport.isPaused, client.state, channel.consumedBytes]).toEqual([false, 'open', 0]);
    while (client.getMessage() !== undefined);
    expect([platform.transport.isPaused, channel.consumedBytes]).toEqual([false, 4]);
    await platform.clock.advance(15_000);
    expect(channel.pings).toBe(1);
  });
});

describe('a transport that ends', () => {
  it('ends the pending ping, and no round trip is measured afterwards', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    transport.answersPings = false;
    await platform.clock.advance(15_000);
    transport.breakOff();
    transport.events.pong();
    expect(client.stats.rttMs).toBeUndefined();
    await client.close();
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('does not drain the outbox afterwards', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.isCongested = true;
    client.sendMessage('x');
    transport.flush();
    expect(client.bufferedBytes).toBe(0);
    await client.close();
    transport.events.drained();
  });
});
