import { describe, expect, it } from 'vitest';
import { deadline, GRACE_MS, LATE_MS, MAX_GRACES } from '../../../src/core/clock.js';
import { FakeClock } from '../../support/fake-clock.js';
import { memoryClient, openClient } from '../../support/memory-client.js';
import { MemoryPlatform } from '../../support/memory-platform.js';

function setUp() {
  const clock = new FakeClock();
  const calls: number[] = [];
  const startedAt = clock.now();
  const cancel = deadline(clock, 1_000, () => calls.push(clock.now() - startedAt));
  return { clock, calls, cancel };
}

describe('deadline()', () => {
  it('calls back when the time is over', async () => {
    const { clock, calls } = setUp();
    await clock.advance(999);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect([calls, clock.pendingTimers]).toEqual([[1_000], 0]);
  });

  it('lets a blocked event loop first read data that arrived in time', async () => {
    const { clock, calls, cancel } = setUp();
    clock.jump(1_000 + LATE_MS);
    await clock.advance(GRACE_MS - 1);
    expect(calls).toEqual([]);
    cancel();
    await clock.advance(10_000);
    expect([calls, clock.pendingTimers]).toEqual([[], 0]);
  });

  it('calls back after the grace period when nothing arrived', async () => {
    const { clock, calls } = setUp();
    clock.jump(60_000);
    await clock.advance(GRACE_MS);
    expect(calls).toEqual([60_000 + GRACE_MS]);
  });

  it('is not postponed forever by an event loop that is always blocked', async () => {
    const { clock, calls } = setUp();
    for (let round = 0; round <= MAX_GRACES; round += 1) {
      expect(calls).toEqual([]);
      clock.jump(60_000);
      await clock.advance(0);
    }
    expect(calls).toHaveLength(1);
  });

  it('is not postponed by a clock that is set back', async () => {
    const { clock, calls } = setUp();
    clock.jump(-60_000);
    await clock.advance(61_000);
    expect(calls).toEqual([1_000]);
  });
});

describe('a program whose event loop was blocked', () => {
  it('still accepts an opening that arrived in time', async () => {
    const platform = new MemoryPlatform();
    const client = memoryClient(platform, { connectTimeoutMs: 10_000 });
    const connected = client.connect();
    platform.clock.jump(10_500);
    await platform.clock.advance(0);
    platform.transport.accept();
    await connected;
    expect(client.state).toBe('open');
  });

  it("still accepts the peer's close frame that arrived in time", async () => {
    const platform = new MemoryPlatform();
    const { client, transport } = await openClient(platform, { closeTimeoutMs: 5_000 });
    transport.answersClose = false;
    const closed = client.close();
    platform.clock.jump(5_500);
    await platform.clock.advance(0);
    transport.closeFromPeer(1000, '');
    expect(await closed).toEqual({ code: 1000, reason: '', wasClean: true });
  });

  it('starts the next attempt when the delay is over, without a grace period', async () => {
    const platform = new MemoryPlatform();
    const { transport } = await openClient(platform);
    transport.breakOff();
    platform.clock.jump(60_000);
    await platform.clock.advance(0);
    expect(platform.transports).toHaveLength(2);
  });
});
