import { describe, expect, it } from 'vitest';
import type { Channel, ChannelEvents, MakeChannel } from '../../../src/core/channel.js';
import type { ChannelFeature } from '../../../src/core/client-parts.js';
import { WebsocketError } from '../../../src/core/errors.js';
import type { Transport } from '../../../src/core/transport.js';
import { sessionDefaults } from '../../../src/session/feature.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { rejected } from '../../support/thrown.js';

/** A link that shakes hands before messages may flow, holds its peer, and pings in messages: what a session is to core. */
class HandshakeChannel implements Channel {
  readonly bufferedBytes = 0;
  readonly resumes = true;
  readonly holdsPeer = true;
  readonly host: ChannelEvents;
  pings = 0;
  consumedBytes = 0;
  #transport: Transport | undefined;

  constructor(host: ChannelEvents) {
    this.host = host;
  }

  readonly ping = (): void => {
    this.pings += 1;
  };

  offer = (protocols: readonly string[]) => ['handshake', ...protocols];
  protocolOf = (transport: Transport) => transport.protocol.replace('handshake', '');

  send(message: string | Uint8Array<ArrayBuffer>): void {
    this.#transport?.send(message);
  }

  attach(transport: Transport): void {
    this.#transport = transport;
    transport.send('hello?');
  }

  detach(): void {
    this.#transport = undefined;
  }

  received(message: string | Uint8Array, bytes: number): void {
    if (message === 'hello!') this.host.ready({ resumed: true, replayed: 3, lost: 0, reason: 'the peer remembers' });
    else if (message === 'pong') this.host.pong();
    else if (message === 'nonsense') this.host.fail(1002, new WebsocketError('PROTOCOL_ERROR', 'Nonsense.'));
    else this.host.deliver(message, bytes);
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
    options: sessionDefaults,
    makeChannel: (): MakeChannel => (host) => {
      channel = new HandshakeChannel(host);
      return channel;
    },
  };
  const platform = new MemoryPlatform();
  const client = memoryClient(platform, { session: feature, protocols: ['chat'], ...options });
  if (channel === undefined) throw new Error('no link was made');
  return { platform, client, channel };
}

async function setUpOpen(options = {}) {
  const parts = setUp(options);
  const connected = parts.client.connect();
  parts.platform.transport.accept('handshake').deliver('hello!');
  await connected;
  return parts;
}

describe('a connection with a link that shakes hands', () => {
  it('is open when the link is ready, not when the wire is', async () => {
    const { platform, client } = setUp();
    const told = record(client);
    const connected = client.connect();
    expect(platform.transport.request.protocols).toEqual(['handshake', 'chat']);
    platform.transport.accept('handshake');
    expect([client.state, client.isConnectionOpen(), platform.transport.sent]).toEqual(['connecting', false, ['hello?']]);
    platform.transport.deliver('hello!');
    await connected;
    expect(told).toEqual(['state idle -> connecting', 'state connecting -> open', 'open']);
    expect(client.protocol).toBe('');
  });

  it('times out when the link never gets ready, however open the wire is', async () => {
    const { platform, client } = setUp();
    const connected = client.connect();
    platform.transport.accept('handshake');
    await platform.clock.advance(10_000);
    expect((await rejected(connected)).code).toBe('CONNECT_TIMEOUT');
    expect([platform.transport.isLive, platform.clock.pendingTimers]).toEqual([false, 0]);
  });

  it('tells what the link says about a break', async () => {
    const { platform, client } = await setUpOpen();
    let continuity: unknown;
    client.on('reconnected', (told) => {
      continuity = told;
    });
    platform.transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept('handshake').deliver('hello!');
    expect(continuity).toEqual({ resumed: true, replayed: 3, lost: 0, reason: 'the peer remembers' });
  });

  it('is ready once for each wire, and not after it is gone', async () => {
    const { platform, client, channel } = await setUpOpen();
    const told = record(client);
    platform.transport.deliver('hello!');
    await client.close();
    channel.host.ready({ resumed: false, replayed: 0, lost: 0, reason: 'late' });
    expect(told).toEqual(['state open -> closing', 'state closing -> closed', 'close 1000 ']);
  });

  it('is closed with the code of the link when the peer breaks its rules', async () => {
    const { platform, client, channel } = await setUpOpen();
    const told = record(client);
    platform.transport.deliver('nonsense', 'not delivered any more');
    expect(told).toEqual(['state open -> closed', 'error PROTOCOL_ERROR', 'close 1002 PROTOCOL_ERROR (unclean)']);
    expect(platform.transport.detachedWith).toEqual({ code: 1002, reason: 'PROTOCOL_ERROR' });
    channel.host.fail(1002, new WebsocketError('PROTOCOL_ERROR', 'Twice.'));
    expect(told).toHaveLength(3);
  });

  it('rejects connect() when the peer breaks the rules of the handshake', async () => {
    const { platform, client } = setUp();
    const connected = client.connect();
    platform.transport.accept('handshake').deliver('nonsense');
    expect((await rejected(connected)).code).toBe('PROTOCOL_ERROR');
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('pings by the link, rather than by the wire', async () => {
    const { platform, client, channel } = await setUpOpen();
    await platform.clock.advance(15_000);
    expect([channel.pings, platform.transport.pings]).toEqual([1, 0]);
    await platform.clock.advance(42);
    platform.transport.deliver('pong');
    expect(client.stats.rttMs).toBe(42);
  });

  it('does not pause a wire whose peer the link holds, and tells the link what was read', async () => {
    const { platform, client, channel } = await setUpOpen({ inbox: { maxMessages: 2, maxBytes: 1000 } });
    platform.transport.deliver('a', 'b', 'c', 'd');
    expect([platform.transport.isPaused, client.state, channel.consumedBytes]).toEqual([false, 'open', 0]);
    while (client.getMessage() !== undefined);
    expect([platform.transport.isPaused, channel.consumedBytes]).toEqual([false, 4]);
    await platform.clock.advance(15_000);
    expect(channel.pings).toBe(1);
  });
});

describe('a wire that ends', () => {
  it('takes a ping with it that is under way, and answers nothing afterwards', async () => {
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

  it('drains into the outbox of nobody', async () => {
    const { client, transport } = await openClient(new MemoryPlatform());
    transport.isCongested = true;
    client.sendMessage('x');
    transport.flush();
    expect(client.bufferedBytes).toBe(0);
    await client.close();
    transport.events.drained();
  });
});
