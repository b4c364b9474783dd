import { describe, expect, it } from 'vitest';
import { memoryClient, openClient, record } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';

describe('a half-open connection', () => {
  it('is detected by pings within pingMs and timeoutMs, then destroyed and replaced', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { liveness: { pingMs: 1000, timeoutMs: 500 } });
    const reported = record(client);
    transport.answersPings = false;
    await platform.clock.advance(1499);
    expect([client.state, transport.pings]).toEqual(['open', 1]);
    await platform.clock.advance(1);
    expect(reported).toEqual(['state open -> reconnecting', 'error LINK_DEAD', 'reconnecting 1']);
    expect(transport.detachedWith).toEqual({ code: undefined, reason: undefined });
    await platform.clock.advance(500);
    platform.transport.accept();
    expect(client.state).toBe('open');
    await client.close();
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('is not assumed while any bytes arrive; the round trip is measured', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { liveness: { pingMs: 1000, timeoutMs: 500 } });
    await platform.clock.advance(10_000);
    expect([client.state, transport.pings, client.stats.rttMs]).toEqual(['open', 10, 0]);
    transport.answersPings = false;
    for (let count = 0; count < 20; count++) {
      await platform.clock.advance(400);
      if (count % 2 === 0) transport.deliver('a byte');
      else transport.events.alive();
    }
    expect(client.state).toBe('open');
  });

  it('is not detected when liveness is off', async () => {
    const platform = new MemoryPlatform();
    const { transport } = await openClient(platform, { liveness: false });
    await platform.clock.advance(3_600_000);
    expect([transport.pings, platform.clock.pendingTimers]).toEqual([0, 0]);
  });

  it('without pings is detected after a sleep, as soon as the page resumes', async () => {
    const platform = new MemoryPlatform({ canPing: false, canPause: false });
    const { client, transport } = await openClient(platform);
    platform.clock.jump(600_000);
    platform.fire('woken');
    expect([client.state, transport.isLive]).toEqual(['reconnecting', false]);
  });
});

describe('a page that is hidden and shown', () => {
  it('closes with 1001, waits without a timer, and reconnects as soon as it is shown', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    const reported = record(client);
    platform.fire('suspended');
    expect(transport.detachedWith).toEqual({ code: 1001, reason: 'page hidden' });
    expect([client.state, platform.clock.pendingTimers]).toEqual(['reconnecting', 0]);
    client.sendMessage('later');
    platform.fire('woken');
    platform.transport.accept();
    expect(platform.transport.sent).toEqual(['later']);
    expect(reported).toEqual(['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> open', 'reconnected']);
  });

  it('while connecting starts the attempt again when it is shown', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform);
    const connected = client.connect();
    platform.fire('suspended');
    expect(platform.transport.isLive).toBe(false);
    platform.fire('woken');
    platform.transport.accept();
    await connected;
    expect(platform.transports).toHaveLength(2);
  });

  it('closes permanently when `reconnect` is false', async () => {
    const platform = new MemoryPlatform();
    const { client } = await openClient(platform, { reconnect: false });
    platform.fire('suspended');
    expect(await client.close()).toEqual({ code: 1001, reason: 'page hidden', wasClean: false });
    expect([platform.clock.pendingTimers, platform.watchers]).toEqual([0, 0]);
  });
});

describe('waking up', () => {
  it('ends the delay before the next attempt', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    transport.breakOff();
    platform.fire('woken');
    expect(platform.transports).toHaveLength(2);
    platform.fire('woken');
    expect(platform.transports).toHaveLength(2);
    platform.transport.accept();
    expect(client.state).toBe('open');
  });

  it('checks whether an open connection is still alive', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    transport.answersPings = false;
    await platform.clock.advance(1000);
    platform.fire('woken');
    expect([client.state, transport.pings]).toEqual(['open', 1]);
    await platform.clock.advance(10_000);
    expect(client.state).toBe('reconnecting');
  });

  it('does nothing when liveness is off or the connection is closing', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { liveness: false });
    platform.fire('woken');
    transport.answersClose = false;
    void client.close();
    platform.fire('woken');
    expect([client.state, transport.pings, platform.transports.length]).toEqual(['closing', 0, 1]);
  });
});

describe('a process that exits', () => {
  it('sends its queued messages and a close frame with 1001 synchronously', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    transport.bufferedBytes = 1e6;
    client.sendMessage('last words');
    platform.fire('exiting');
    expect(transport.sent).toEqual(['last words']);
    expect(transport.closedWith).toEqual({ code: 1001, reason: 'process exit' });
  });

  it('starts no further attempt and leaves no timer that would keep the process alive', async () => {
    const platform = new MemoryPlatform();
    const connecting = memoryClient(platform);
    connecting.connect().catch(() => {});
    const { client: reconnecting, transport } = await openClient(platform);
    transport.breakOff();
    platform.fire('exiting');
    expect([connecting.state, reconnecting.state]).toEqual(['closed', 'closed']);
    expect([platform.transports.some((dialled) => dialled.isLive), platform.clock.pendingTimers, platform.watchers]).toEqual([false, 0, 0]);
  });

  it('does not change a close that is already in progress', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform);
    void client.close(4000);
    platform.fire('exiting');
    expect(transport.closedWith?.code).toBe(4000);
  });
});

describe('a reader that stops', () => {
  const inbox = { maxMessages: 4, maxBytes: 1000 };

  it('pauses the socket when the inbox is full and resumes it when the inbox is half empty', async () => {
    const { client, transport } = await openClient(new MemoryPlatform(), { inbox });
    transport.deliver('1', '2', '3', '4');
    expect(transport.isPaused).toBe(false);
    transport.deliver('5');
    expect(transport.isPaused).toBe(true);
    for (let count = 0; count < 2; count++) client.getMessage();
    expect(transport.isPaused).toBe(true);
    client.getMessage();
    expect(transport.isPaused).toBe(false);
    expect(client.state).toBe('open');
  });

  it('does not make the connection count as half-open, because unread pongs cannot be seen', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { inbox });
    transport.answersPings = false;
    transport.deliver('1', '2', '3', '4', '5');
    await platform.clock.advance(3_600_000);
    platform.fire('woken');
    expect(client.state).toBe('open');
    expect(transport.pings).toBe(241); // each writes, so TCP detects a peer that is gone
    while (client.getMessage() !== undefined);
    await platform.clock.advance(24_999);
    expect([client.state, transport.pings]).toEqual(['open', 242]);
    await platform.clock.advance(1);
    expect(client.state).toBe('reconnecting');
  });

  it('is not disconnected either when the transport has no ping', async () => {
    const platform = new MemoryPlatform({ canPing: false });
    const { client, transport } = await openClient(platform, { inbox });
    transport.deliver('1', '2', '3', '4', '5');
    platform.clock.jump(600_000);
    await platform.clock.advance(15_000);
    expect(client.state).toBe('open');
  });

  it('keeps the next transport paused too until it reads', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { inbox });
    transport.deliver('1', '2', '3', '4', '5');
    transport.breakOff();
    await platform.clock.advance(500);
    platform.transport.accept();
    expect([client.state, platform.transport.isPaused]).toEqual(['open', true]);
    while (client.getMessage() !== undefined);
    expect(platform.transport.isPaused).toBe(false);
  });

  it('may read while there is no transport, and the next one is not paused', async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { inbox });
    transport.deliver('1', '2', '3', '4', '5');
    transport.breakOff();
    while (client.getMessage() !== undefined);
    await platform.clock.advance(500);
    platform.transport.accept();
    expect(platform.transport.isPaused).toBe(false);
    await client.close();
    expect(platform.clock.pendingTimers).toBe(0);
  });

  it('ends the connection with INBOX_FULL when the socket cannot be paused; received messages stay readable', async () => {
    const platform = new MemoryPlatform({ canPause: false });
    const { client, transport } = await openClient(platform, { inbox });
    const reported = record(client, { withMessages: false });
    transport.deliver('1', '2', '3', '4', '5', 'too late');
    expect(reported).toEqual(['state open -> closed', 'error INBOX_FULL', 'close 4408 INBOX_FULL (unclean)']);
    expect(transport.detachedWith).toEqual({ code: 4408, reason: 'INBOX_FULL' });
    const got = Array.from({ length: 7 }, () => client.getMessage());
    expect(got).toEqual([
      ...['1', '2', '3', '4', '5'].map((message) => ({ message })),
      { closeCode: 4408, reason: 'INBOX_FULL', wasClean: false },
      undefined,
    ]);
    expect([platform.clock.pendingTimers, platform.watchers]).toEqual([0, 0]);
  });

  it('does not delay close(): the socket is read for the closing handshake, and excess messages are reported once as INBOX_FULL', async () => {
    for (const canPause of [true, false]) {
      const { client, transport } = await openClient(new MemoryPlatform({ canPause }), { inbox });
      transport.answersClose = false;
      const reported = record(client, { withMessages: false });
      const closed = client.close();
      transport.deliver('1', '2', '3', '4', '5');
      expect([transport.isPaused, reported]).toEqual([false, ['state open -> closing']]);
      transport.deliver('6', '7');
      transport.closeFromPeer();
      await closed;
      expect(reported).toEqual(['state open -> closing', 'error INBOX_FULL', 'state closing -> closed', 'close 1000 ']);
      expect(Array.from({ length: 6 }, () => client.getMessage()).at(-1)).toMatchObject({ closeCode: 1000 });
    }
  });

  it('that had filled the inbox before close() does not stop the closing handshake from being read', async () => {
    const { client, transport } = await openClient(new MemoryPlatform(), { inbox });
    const reported = record(client, { withMessages: false });
    transport.deliver('1', '2', '3', '4', '5');
    expect(transport.isPaused).toBe(true);
    const closed = client.close();
    expect(transport.isPaused).toBe(false);
    expect((await closed).wasClean).toBe(true);
    expect(reported).toEqual(['state open -> closing', 'state closing -> closed', 'close 1000 ']);
  });
});
