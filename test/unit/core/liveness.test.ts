import { describe, expect, it } from 'vitest';
import { Liveness } from '../../../src/core/liveness.js';
import { FakeClock } from '../../support/fake-clock.js';

const defaultTimes = { pingMs: 15_000, timeoutMs: 10_000 };

function setUp({ canPing = true, onPing = () => {}, times = defaultTimes } = {}) {
  const clock = new FakeClock(0);
  const reported: string[] = [];
  const liveness = new Liveness(times, clock, {
    ping: canPing
      ? () => {
          reported.push(`ping at ${clock.now()}`);
          onPing();
        }
      : undefined,
    dead: (silentMs) => reported.push(`dead at ${clock.now()}, silent ${silentMs}`),
    measured: (rttMs) => reported.push(`rtt ${rttMs}`),
  });
  return { clock, reported, liveness };
}

describe('a connection that can ping', () => {
  it('is pinged after pingMs of silence, and counts as half-open after timeoutMs without an answer', async () => {
    const { clock, reported } = setUp();
    await clock.advance(14_999);
    expect(reported).toEqual([]);
    await clock.advance(1);
    expect(reported).toEqual(['ping at 15000']);
    await clock.advance(9_999);
    expect(reported).toHaveLength(1);
    await clock.advance(1);
    expect(reported).toEqual(['ping at 15000', 'dead at 25000, silent 25000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('counts as half-open no later than pingMs and timeoutMs after its last byte', async () => {
    for (const lastByteAt of [1, 7_000, 14_999, 15_001, 24_999]) {
      const { clock, reported, liveness } = setUp();
      await clock.advance(lastByteAt);
      liveness.touch();
      await clock.advance(25_000);
      expect(reported.at(-1)).toBe(`dead at ${lastByteAt + 25_000}, silent 25000`);
    }
  });

  it('is pinged but never counts as half-open while it is not read', async () => {
    const { clock, reported, liveness } = setUp();
    liveness.hold();
    await clock.advance(45_000);
    expect(reported).toEqual(['ping at 15000', 'ping at 30000', 'ping at 45000']);
    liveness.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('that answers is pinged again every pingMs, even where timeoutMs is longer', async () => {
    const { clock, reported, liveness } = setUp({ times: { pingMs: 1_000, timeoutMs: 10_000 } });
    for (const rttMs of [0, 500, 2_000]) {
      await clock.advance(1_000);
      await clock.advance(rttMs);
      liveness.pong();
    }
    expect(reported).toEqual(['ping at 1000', 'rtt 0', 'ping at 2000', 'rtt 500', 'ping at 3500', 'rtt 2000']);
    await clock.advance(10_999);
    expect(reported.slice(6)).toEqual(['ping at 6500']);
    await clock.advance(1);
    expect(reported.at(-1)).toBe('dead at 16500, silent 11000');
  });

  it('is not pinged while bytes arrive', async () => {
    const { clock, reported, liveness } = setUp();
    for (let second = 0; second < 300; second++) {
      await clock.advance(1_000);
      liveness.touch();
    }
    expect(reported).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('is alive if any byte follows the ping, whether a pong or not', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    await clock.advance(9_000);
    liveness.touch();
    await clock.advance(14_999);
    expect(reported).toEqual(['ping at 15000']);
    await clock.advance(1);
    expect(reported).toEqual(['ping at 15000', 'ping at 39000']);
  });

  it('is alive if a byte arrives in the same millisecond as the ping', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    liveness.touch();
    await clock.advance(14_999);
    expect(reported).toEqual(['ping at 15000']);
  });

  it('measures the round trip by the pong, even after other bytes', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    await clock.advance(30);
    liveness.touch();
    await clock.advance(12);
    liveness.pong();
    expect(reported).toEqual(['ping at 15000', 'rtt 42']);
  });

  it('treats an unsolicited pong as any other byte and measures nothing', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(10_000);
    liveness.pong();
    await clock.advance(14_999);
    expect(reported).toEqual([]);
  });

  it('is pinged as long as it answers', async () => {
    const { clock, reported, liveness } = setUp();
    for (let round = 0; round < 4; round++) {
      await clock.advance(15_000);
      liveness.pong();
    }
    expect(reported.filter((line) => line.startsWith('ping'))).toEqual([
      'ping at 15000',
      'ping at 30000',
      'ping at 45000',
      'ping at 60000',
    ]);
  });

  it('has no timer left once stopped, even when the ping itself stops it', async () => {
    const { clock, liveness } = setUp();
    liveness.stop();
    liveness.stop();
    expect(clock.pendingTimers).toBe(0);

    const own = setUp({ onPing: () => own.liveness.stop() });
    await own.clock.advance(100_000);
    expect(own.reported).toEqual(['ping at 15000']);
    expect(own.clock.pendingTimers).toBe(0);
  });
});

describe('waking up', () => {
  it('pings immediately and expects the answer within timeoutMs', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(3_000);
    liveness.wake();
    expect(reported).toEqual(['ping at 3000']);
    await clock.advance(10_000);
    expect(reported).toEqual(['ping at 3000', 'dead at 13000, silent 13000']);
  });

  it('pings once, however often it happens', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(3_000);
    liveness.wake();
    await clock.advance(100);
    liveness.wake();
    liveness.wake();
    expect(reported).toEqual(['ping at 3000']);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(9_900);
    expect(reported.at(-1)).toBe('dead at 13000, silent 13000');
  });

  it('decides by the wall clock when the timers were late: an old ping without an answer means half-open', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(600_000);
    liveness.wake();
    await clock.advance(500);
    expect(reported).toEqual(['ping at 15000', 'dead at 615500, silent 615500']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('after a sleep pings immediately and expects the answer within a second, whichever event reports the sleep', async () => {
    for (const wakes of ['an event', 'a timer']) {
      const { clock, reported, liveness } = setUp();
      await clock.advance(10_000);
      clock.jump(600_000);
      if (wakes === 'an event') liveness.wake();
      else await clock.advance(0);
      expect(reported).toEqual(['ping at 610000']);
      await clock.advance(1_000);
      expect(reported).toEqual(['ping at 610000', 'dead at 610900, silent 610900']);
    }
  });

  it('after a sleep that the connection survived restores the normal schedule', async () => {
    const { clock, reported, liveness } = setUp();
    clock.jump(600_000);
    liveness.wake();
    await clock.advance(500);
    liveness.pong();
    await clock.advance(15_000 + 9_999);
    expect(reported).toEqual(['ping at 600000', 'rtt 500', 'ping at 615500']);
    await clock.advance(1);
    expect(reported.at(-1)).toBe('dead at 625500, silent 25000');
  });

  it('does not disconnect because of a blocked event loop: an answer in the socket is read first', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(60_000);
    await clock.advance(0);
    liveness.pong();
    await clock.advance(14_000);
    expect(reported).toEqual(['ping at 15000', 'rtt 60000']);
  });

  it('does not restart a stopped check', async () => {
    const { clock, reported, liveness } = setUp();
    liveness.stop();
    liveness.wake();
    await clock.advance(100_000);
    expect(reported).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the wall clock', () => {
  it('may be set back: the connection is checked as if a byte had just arrived', async () => {
    const { clock, reported, liveness } = setUp();
    clock.jump(3_600_000);
    liveness.touch();
    clock.jump(-3_600_000);
    await clock.advance(15_000);
    await clock.advance(25_000);
    expect(reported.at(-1)).toMatch(/^dead at 40000/);
  });

  it('may be set back while an answer is pending, and no round trip is negative', async () => {
    const { clock, reported, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(-10_000);
    liveness.pong();
    expect(reported.at(-1)).toBe('rtt 0');
  });
});

describe('a connection that cannot ping', () => {
  it('never counts as half-open because of silence alone', async () => {
    const { clock, reported } = setUp({ canPing: false });
    await clock.advance(3_600_000);
    expect(reported).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('counts as half-open after a sleep, which a very late timer reveals', async () => {
    const { clock, reported } = setUp({ canPing: false });
    clock.jump(600_000);
    await clock.advance(0);
    expect(reported).toEqual(['dead at 600000, silent 600000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is detected immediately on waking up, before any timer fires', () => {
    const { clock, reported, liveness } = setUp({ canPing: false });
    clock.jump(600_000);
    liveness.wake();
    expect(reported).toEqual(['dead at 600000, silent 600000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not count as half-open because of the timers of a hidden page, which fire once a minute', async () => {
    const { clock, reported } = setUp({ canPing: false });
    for (let minute = 0; minute < 10; minute++) {
      clock.jump(60_000);
      await clock.advance(0);
    }
    expect(reported).toEqual([]);
  });

  it('does not count as half-open after a sleep when a byte has arrived since', async () => {
    const { clock, reported, liveness } = setUp({ canPing: false });
    clock.jump(600_000);
    liveness.touch();
    await clock.advance(0);
    expect(reported).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });
});
