import { describe, expect, it } from 'vitest';
import { Liveness } from '../../../src/core/liveness.js';
import { FakeClock } from '../../support/fake-clock.js';

const defaultTimes = { pingMs: 15_000, timeoutMs: 10_000 };

function setUp({ canPing = true, onPing = () => {}, times = defaultTimes } = {}) {
  const clock = new FakeClock(0);
  const told: string[] = [];
  const liveness = new Liveness(times, clock, {
    ping: canPing
      ? () => {
          told.push(`ping at ${clock.now()}`);
          onPing();
        }
      : undefined,
    dead: (silentMs) => told.push(`dead at ${clock.now()}, silent ${silentMs}`),
    measured: (rttMs) => told.push(`rtt ${rttMs}`),
  });
  return { clock, told, liveness };
}

describe('a link that can ping', () => {
  it('is asked after pingMs of silence, and dead after timeoutMs without an answer', async () => {
    const { clock, told } = setUp();
    await clock.advance(14_999);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(['ping at 15000']);
    await clock.advance(9_999);
    expect(told).toHaveLength(1);
    await clock.advance(1);
    expect(told).toEqual(['ping at 15000', 'dead at 25000, silent 25000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is dead no later than pingMs and timeoutMs after its last byte, whenever that came', async () => {
    for (const lastByteAt of [1, 7_000, 14_999, 15_001, 24_999]) {
      const { clock, told, liveness } = setUp();
      await clock.advance(lastByteAt);
      liveness.touch();
      await clock.advance(25_000);
      expect(told.at(-1)).toBe(`dead at ${lastByteAt + 25_000}, silent 25000`);
    }
  });

  it('is asked on, but not judged, while nobody reads it', async () => {
    const { clock, told, liveness } = setUp();
    liveness.hold();
    await clock.advance(45_000);
    expect(told).toEqual(['ping at 15000', 'ping at 30000', 'ping at 45000']);
    liveness.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('that answers is asked again every pingMs, also where timeoutMs is longer', async () => {
    const { clock, told, liveness } = setUp({ times: { pingMs: 1_000, timeoutMs: 10_000 } });
    for (const rttMs of [0, 500, 2_000]) {
      await clock.advance(1_000);
      await clock.advance(rttMs);
      liveness.pong();
    }
    expect(told).toEqual(['ping at 1000', 'rtt 0', 'ping at 2000', 'rtt 500', 'ping at 3500', 'rtt 2000']);
    await clock.advance(10_999);
    expect(told.slice(6)).toEqual(['ping at 6500']);
    await clock.advance(1);
    expect(told.at(-1)).toBe('dead at 16500, silent 11000');
  });

  it('is not asked while bytes come', async () => {
    const { clock, told, liveness } = setUp();
    for (let second = 0; second < 300; second++) {
      await clock.advance(1_000);
      liveness.touch();
    }
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('lives by any byte after the ping, a pong or not', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    await clock.advance(9_000);
    liveness.touch();
    await clock.advance(14_999);
    expect(told).toEqual(['ping at 15000']);
    await clock.advance(1);
    expect(told).toEqual(['ping at 15000', 'ping at 39000']);
  });

  it('lives by a byte in the same millisecond as the ping', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    liveness.touch();
    await clock.advance(14_999);
    expect(told).toEqual(['ping at 15000']);
  });

  it('measures the round trip by the pong, also after other bytes', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    await clock.advance(30);
    liveness.touch();
    await clock.advance(12);
    liveness.pong();
    expect(told).toEqual(['ping at 15000', 'rtt 42']);
  });

  it('takes a pong that nobody asked for as a byte, and measures nothing', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(10_000);
    liveness.pong();
    await clock.advance(14_999);
    expect(told).toEqual([]);
  });

  it('goes on asking as long as it is answered', async () => {
    const { clock, told, liveness } = setUp();
    for (let round = 0; round < 4; round++) {
      await clock.advance(15_000);
      liveness.pong();
    }
    expect(told.filter((line) => line.startsWith('ping'))).toEqual(['ping at 15000', 'ping at 30000', 'ping at 45000', 'ping at 60000']);
  });

  it('leaves no timer behind once stopped, also by the ping itself', async () => {
    const { clock, liveness } = setUp();
    liveness.stop();
    liveness.stop();
    expect(clock.pendingTimers).toBe(0);

    const own = setUp({ onPing: () => own.liveness.stop() });
    await own.clock.advance(100_000);
    expect(own.told).toEqual(['ping at 15000']);
    expect(own.clock.pendingTimers).toBe(0);
  });
});

describe('waking up', () => {
  it('asks at once, and has the answer within timeoutMs', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(3_000);
    liveness.wake();
    expect(told).toEqual(['ping at 3000']);
    await clock.advance(10_000);
    expect(told).toEqual(['ping at 3000', 'dead at 13000, silent 13000']);
  });

  it('asks once, however often it is woken', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(3_000);
    liveness.wake();
    await clock.advance(100);
    liveness.wake();
    liveness.wake();
    expect(told).toEqual(['ping at 3000']);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(9_900);
    expect(told.at(-1)).toBe('dead at 13000, silent 13000');
  });

  it('judges by the clock on the wall when the timers were late: an old question without an answer is death', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(600_000);
    liveness.wake();
    await clock.advance(500);
    expect(told).toEqual(['ping at 15000', 'dead at 615500, silent 615500']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('after a sleep asks at once and has the answer within a second, whoever wakes it', async () => {
    for (const wakes of ['an event', 'a timer']) {
      const { clock, told, liveness } = setUp();
      await clock.advance(10_000);
      clock.jump(600_000);
      if (wakes === 'an event') liveness.wake();
      else await clock.advance(0);
      expect(told).toEqual(['ping at 610000']);
      await clock.advance(1_000);
      expect(told).toEqual(['ping at 610000', 'dead at 610900, silent 610900']);
    }
  });

  it('after a sleep that the link survived watches it as before', async () => {
    const { clock, told, liveness } = setUp();
    clock.jump(600_000);
    liveness.wake();
    await clock.advance(500);
    liveness.pong();
    await clock.advance(15_000 + 9_999);
    expect(told).toEqual(['ping at 600000', 'rtt 500', 'ping at 615500']);
    await clock.advance(1);
    expect(told.at(-1)).toBe('dead at 625500, silent 25000');
  });

  it('is not blamed for a program that was busy: an answer that lay unread may still be read', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(60_000);
    await clock.advance(0);
    liveness.pong();
    await clock.advance(14_000);
    expect(told).toEqual(['ping at 15000', 'rtt 60000']);
  });

  it('does not revive what was stopped', async () => {
    const { clock, told, liveness } = setUp();
    liveness.stop();
    liveness.wake();
    await clock.advance(100_000);
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the clock on the wall', () => {
  it('may be set back: the link is watched on as if it had just spoken', async () => {
    const { clock, told, liveness } = setUp();
    clock.jump(3_600_000);
    liveness.touch();
    clock.jump(-3_600_000);
    await clock.advance(15_000);
    await clock.advance(25_000);
    expect(told.at(-1)).toMatch(/^dead at 40000/);
  });

  it('may be set back while an answer is awaited, and no round trip is negative', async () => {
    const { clock, told, liveness } = setUp();
    await clock.advance(15_000);
    clock.jump(-10_000);
    liveness.pong();
    expect(told.at(-1)).toBe('rtt 0');
  });
});

describe('a link that cannot ping', () => {
  it('is never dead by silence alone', async () => {
    const { clock, told } = setUp({ canPing: false });
    await clock.advance(3_600_000);
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });

  it('is dead after a sleep, which a timer that is far too late gives away', async () => {
    const { clock, told } = setUp({ canPing: false });
    clock.jump(600_000);
    await clock.advance(0);
    expect(told).toEqual(['dead at 600000, silent 600000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is found out at once on waking up, before any timer', () => {
    const { clock, told, liveness } = setUp({ canPing: false });
    clock.jump(600_000);
    liveness.wake();
    expect(told).toEqual(['dead at 600000, silent 600000']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is not dead for the timers of a hidden page, which run once a minute', async () => {
    const { clock, told } = setUp({ canPing: false });
    for (let minute = 0; minute < 10; minute++) {
      clock.jump(60_000);
      await clock.advance(0);
    }
    expect(told).toEqual([]);
  });

  it('is not dead after a sleep when a byte has come since', async () => {
    const { clock, told, liveness } = setUp({ canPing: false });
    clock.jump(600_000);
    liveness.touch();
    await clock.advance(0);
    expect(told).toEqual([]);
    expect(clock.pendingTimers).toBe(1);
  });
});
