import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { PROVEN_MS } from '../../../src/core/machine.js';
import type { Continuity, ReconnectAttempt } from '../../../src/core/types.js';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { limit } from '../../support/pace.js';

const broken = new WebsocketError('PROTOCOL_ERROR', 'The peer broke the protocol.');

describe('a connection that is lost', () => {
  it('reconnects and reports in order: state, reconnecting, state, reconnected, first message', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    transport.deliver('before');
    transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept().deliver('after');
    expect(reported).toEqual([
      'message before',
      'state open -> reconnecting',
      'reconnecting 1',
      'state reconnecting -> open',
      'reconnected',
      'message after',
    ]);
    expect(client.stats.reconnects).toBe(1);
  });

  it('reports the attempt, the delay and the cause before the delay starts', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const attempts: ReconnectAttempt[] = [];
    client.on('reconnecting', (attempt) => attempts.push(attempt));
    transport.closeFromPeer(1012, 'restart');
    expect(attempts[0]).toMatchObject({ attempt: 1, cause: { code: 1012, reason: 'restart', wasClean: true } });
    expect(attempts[0]?.delayMs).toBe(platform.clock.nextDelayMs);
    await platform.clock.advance(500);
    platform.transport.refuse(broken);
    expect(attempts[1]).toMatchObject({ attempt: 2, cause: broken });
  });

  it('reconnects immediately after retryNow() instead of waiting for the delay', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    transport.breakOff();
    expect(platform.transports).toHaveLength(1);
    client.retryNow();
    client.retryNow();
    expect(platform.transports).toHaveLength(2);
    platform.transport.accept();
    expect(reported).toEqual(['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> open', 'reconnected']);
  });

  it('ignores retryNow() in any other state', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    client.retryNow();
    expect([client.state, platform.transports.length]).toEqual(['idle', 0]);
    const connected = client.connect();
    client.retryNow();
    platform.transport.accept();
    await connected;
    client.retryNow();
    expect([client.state, platform.transports.length, platform.transport.pings]).toEqual(['open', 1, 0]);
    const closed = client.close();
    client.retryNow();
    await closed;
    client.retryNow();
    expect([client.state, platform.transports.length]).toEqual(['closed', 1]);
  });

  it('ends with MESSAGE_TOO_BIG when the peer closes with 1009, because the same message would be refused again', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const errors: WebsocketError[] = [];
    client.on('error', (error) => errors.push(error));
    client.sendMessage('x'.repeat(100_000));
    transport.closeFromPeer(1009, 'takes 65536 bytes');
    expect(client.state).toBe('closed');
    expect(errors).toMatchObject([{ code: 'MESSAGE_TOO_BIG', context: { closeCode: 1009, reason: 'takes 65536 bytes' } }]);
    expect(errors[0]?.message).toMatch(/takes 65536 bytes.*maxMessageBytes/);
    expect(await client.close()).toEqual({ code: 1009, reason: 'takes 65536 bytes', wasClean: true });
    expect([platform.transports.length, platform.clock.pendingTimers, platform.reported.length]).toEqual([1, 0, 0]);
  });

  it('logs a close with 1009 to the console when there is no `error` listener', async () => {
    const platform = new MemoryPlatform();
    const { transport } = await openClient(platform);
    transport.closeFromPeer(1009);
    expect(platform.reported).toMatchObject([{ code: 'MESSAGE_TOO_BIG' }]);
  });

  it('cannot report in plain mode which messages were lost', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    let continuity: Continuity | undefined;
    client.on('reconnected', (reported) => {
      continuity = reported;
    });
    transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept();
    expect(continuity).toMatchObject({ resumed: false, replayed: 0, lost: undefined });
    expect(continuity?.reason).not.toBe('');
  });

  it('reports the cause as an error when more than a close code is known', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    transport.breakOff(broken);
    expect(reported).toEqual(['state open -> reconnecting', 'error PROTOCOL_ERROR', 'reconnecting 1']);
  });

  it('ends after maxAttempts consecutive failures, and reports the close last', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { reconnect: { maxAttempts: 2 } });
    const reported = record(client);
    transport.breakOff();
    for (const _ of [1, 2]) {
      await platform.clock.advance(1000);
      platform.transport.refuse(broken);
    }
    expect(reported).toEqual([
      'state open -> reconnecting',
      'reconnecting 1',
      'reconnecting 2',
      'state reconnecting -> closed',
      'error PROTOCOL_ERROR',
      'close 1006 The peer broke the protocol. (unclean)',
    ]);
    expect([platform.clock.pendingTimers, platform.watchers]).toEqual([0, 0]);
  });

  it('keeps counting attempts until a connection has lasted for five seconds', async () => {
    const platform = new MemoryPlatform();
    const { client } = await openClient(platform);
    const attempts: number[] = [];
    client.on('reconnecting', ({ attempt }) => attempts.push(attempt));
    for (const openForMs of [4999, 4999, 5000, 0]) {
      await platform.clock.advance(openForMs);
      platform.transport.breakOff();
      await platform.clock.advance(2000);
      platform.transport.accept();
    }
    expect(attempts).toEqual([1, 2, 1, 2]);
  });

  it('ignores events of its previous transport', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    transport.breakOff();
    const lateEvents = () => {
      transport.events.opened();
      transport.events.received('a ghost', 7);
      transport.events.alive();
      transport.events.pong();
      transport.events.drained();
      transport.events.closed({ code: 1000, reason: 'late', wasClean: true }, broken);
    };
    reported.length = 0;
    lateEvents(); // waiting
    await platform.clock.advance(500);
    lateEvents(); // dialing
    expect(client.state).toBe('reconnecting');
    platform.transport.accept();
    lateEvents(); // open
    expect([client.state, client.stats.messagesReceived]).toEqual(['open', 0]);
    expect(reported).toEqual(['state reconnecting -> open', 'reconnected']);
    await client.close();
    lateEvents(); // closed
    expect(client.state).toBe('closed');
  });

  it('has no timer left when the transport opens in time, and no transport left when it does not', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { connectTimeoutMs: 2000, liveness: false });
    transport.breakOff();
    await platform.clock.advance(500);
    const slow = platform.transport;
    await platform.clock.advance(2000);
    expect(slow.isLive).toBe(false);
    expect(client.state).toBe('reconnecting');
    await platform.clock.advance(1000);
    platform.transport.accept();
    await platform.clock.advance(60_000);
    expect([client.state, platform.clock.pendingTimers, platform.transports.length]).toEqual(['open', 0, 3]);
  });
});

describe('a server that is unavailable for a minute, with a thousand clients', () => {
  const count = 1000;

  it(
    'gets all of them back, spread over the longest delay, with no timer left',
    async () => {
      let isUp = true;
      const platform = new MemoryPlatform({ answer: (transport) => (isUp ? transport.accept() : transport.refuse()) });
      const { clock } = platform;
      const clients = Array.from({ length: count }, () => memoryClient(platform, { liveness: false }));
      await Promise.all(clients.map((client) => client.connect()));
      await clock.advance(PROVEN_MS);

      isUp = false;
      for (const transport of platform.transports.slice()) transport.breakOff();
      await clock.advance(60_000);
      expect(clients.some((client) => client.isConnectionOpen())).toBe(false);

      isUp = true;
      const backAt = clock.now();
      const acceptQueue: number[] = [];
      for (const client of clients) client.on('reconnected', () => acceptQueue.push(clock.now() - backAt));
      await clock.advance(30_000);

      expect(clients.every((client) => client.isConnectionOpen())).toBe(true);
      // Each delay is now drawn from 0 to 30 s and has partly elapsed, so the server sees a falling rate that ends at 30 s.
      const histogram = countBy(acceptQueue, 3_000);
      console.info(histogramLines(histogram));
      for (let bar = 0; bar < 10; bar++) expect(Math.abs((histogram[bar] ?? 0) - count * slope(bar))).toBeLessThan(60);
      expect(Math.max(...countBy(acceptQueue, 100))).toBeLessThan(25); // the clients are not synchronized

      await Promise.all(clients.map((client) => client.close()));
      expect([clock.pendingTimers, platform.watchers, platform.reported]).toEqual([0, 0, []]);
    },
    limit(60_000),
  );

  it('spreads simultaneous first attempts evenly over the first delay', () => {
    const platform = new MemoryPlatform({ seed: 3 });
    const delays: number[] = [];
    for (let number = 0; number < count; number++) {
      const client = memoryClient(platform, { retryFirstAttempt: true });
      client.on('reconnecting', ({ delayMs }) => delays.push(delayMs));
      client.connect().catch(() => {});
      platform.transport.refuse();
    }
    // 100 each, within four standard deviations of 9.5.
    for (const clients of countBy(delays, 50)) expect(Math.abs(clients - 100)).toBeLessThan(40);
  });
});

/** The expected share of clients in a bar of a tenth when each is at a random point of an evenly drawn delay. */
function slope(bar: number): number {
  return (19 - 2 * bar) / 100;
}

function countBy(values: number[], width: number): number[] {
  const counts: number[] = [];
  for (const value of values) counts[Math.floor(value / width)] = (counts[Math.floor(value / width)] ?? 0) + 1;
  return Array.from(counts, (number) => number ?? 0);
}

function histogramLines(histogram: number[]): string {
  const lines = histogram.map((clients, index) => `${String(index * 3).padStart(4)} s ${'#'.repeat(Math.round(clients / 5))} ${clients}`);
  return ['Clients back after the server, by 3 s:', ...lines].join('\n');
}

describe('the longest delay', () => {
  /** The longest of the delays of many consecutive attempts. */
  async function longestDelay(isVisible: boolean, reconnect: { minDelayMs?: number; maxDelayMs?: number } = {}): Promise<number> {
    const platform = new MemoryPlatform({ answer: (transport) => transport.refuse(broken) });
    Object.assign(platform.lifecycle, { isVisible: () => isVisible });
    const client = memoryClient(platform, { retryFirstAttempt: true, reconnect });
    let longest = 0;
    client.on('reconnecting', ({ delayMs }) => {
      longest = Math.max(longest, delayMs);
    });
    client.connect().catch(() => {});
    await platform.clock.advance(3_600_000);
    return longest;
  }

  it('is 30 s, and 5 s in a visible page', async () => {
    const [hidden, visible] = [await longestDelay(false), await longestDelay(true)];
    expect(hidden).toBeGreaterThan(25_000);
    expect(visible).toBeGreaterThan(4_000);
    expect(visible).toBeLessThanOrEqual(5_000);
  });

  it('is maxDelayMs where the application sets it, even in a visible page', async () => {
    expect(await longestDelay(true, { maxDelayMs: 30_000 })).toBeGreaterThan(25_000);
    expect(await longestDelay(true, { minDelayMs: 20_000 })).toBeGreaterThan(15_000);
  });
});
