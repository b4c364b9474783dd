import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import type { ClientOptions } from '../../../src/core/options.js';
import { settle } from '../../support/fake-clock.js';
import type { MemoryPlatform } from '../../support/memory-platform.js';
import { Origin, type Tab } from '../../support/tabs.js';

/** Delays have jitter: of this many, the longest is close to its ceiling. */
const ATTEMPTS = 60;

/** The longest delay that the tab reports while all attempts of the platform are refused. */
async function longestDelay({ client }: Tab, platform: MemoryPlatform): Promise<number> {
  let longestMs = 0;
  let latestMs = 0;
  client.on('reconnecting', ({ delayMs }) => {
    latestMs = delayMs;
    longestMs = Math.max(longestMs, delayMs);
  });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    platform.transport.refuse(new WebsocketError('CONNECT_FAILED', 'Refused.', { status: 503 }));
    await settle();
    await platform.clock.advance(latestMs);
  }
  return longestMs;
}

/** A first tab whose attempts begin. */
async function connecting(origin: Origin, isVisible: boolean, reconnect: ClientOptions['reconnect'] = {}): Promise<Tab> {
  const tab = origin.tab({ retryFirstAttempt: true, reconnect, isVisible });
  tab.client.connect().catch(() => {});
  await settle();
  return tab;
}

describe('the longest delay of a shared connection', () => {
  it('is 30 s while all tabs are hidden', async () => {
    const origin = new Origin();
    const [tab] = [await connecting(origin, false), await connecting(origin, false)];
    expect(await longestDelay(tab, origin.platform)).toBeGreaterThan(25_000);
  });

  it('is 5 s while one tab is visible', async () => {
    const origin = new Origin();
    const [hidden] = [await connecting(origin, false), await connecting(origin, true)];
    const longestMs = await longestDelay(hidden, origin.platform);
    expect(longestMs).toBeGreaterThan(4_000);
    expect(longestMs).toBeLessThanOrEqual(5_000);
  });

  it("is the application's choice, also while a tab is visible", async () => {
    for (const reconnect of [{ maxDelayMs: 30_000 }, { minDelayMs: 20_000 }]) {
      const origin = new Origin();
      const tab = await connecting(origin, true, reconnect);
      expect(await longestDelay(tab, origin.platform)).toBeGreaterThan(15_000);
    }
  });

  it('follows a tab that becomes hidden or visible', async () => {
    const origin = new Origin();
    const tab = await connecting(origin, true);
    expect(await longestDelay(tab, origin.platform)).toBeLessThanOrEqual(5_000);
    tab.show(false);
    await settle();
    expect(await longestDelay(tab, origin.platform)).toBeGreaterThan(25_000);
    tab.show(true);
    await settle();
    expect(await longestDelay(tab, origin.platform)).toBeLessThanOrEqual(5_000);
  });

  it('is 30 s once the only visible tab is closed', async () => {
    const origin = new Origin();
    const [hidden, visible] = [await connecting(origin, false), await connecting(origin, true)];
    await visible.client.close();
    await settle();
    expect(await longestDelay(hidden, origin.platform)).toBeGreaterThan(25_000);
  });

  it('is 5 s in a visible page that has no worker', async () => {
    const origin = new Origin();
    origin.hasWorker = false;
    const tab = await connecting(origin, true);
    await tab.platform.clock.advance(5_000);
    const longestMs = await longestDelay(tab, tab.platform);
    expect(longestMs).toBeGreaterThan(4_000);
    expect(longestMs).toBeLessThanOrEqual(5_000);
  });
});
