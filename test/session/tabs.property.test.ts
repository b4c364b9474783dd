import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyBudget } from '../support/budget.js';
import { none } from './support/application.js';
import { TabsWorld, type WorldTab } from './support/tabs-world.js';
import { World } from './support/world.js';

/** Small bounds, so that short schedules reach all of them. */
const small = { ackDelayMs: 25, batchDelayMs: 0, windowBytes: 900, replayBytes: 1_200 };

type Move =
  | { readonly do: 'send' | 'read'; readonly tab: number; readonly count: number }
  | { readonly do: 'serverSends' | 'serverReads' | 'move'; readonly count: number }
  | { readonly do: 'busy' | 'idle' | 'hide' | 'show' | 'crash' | 'close'; readonly tab: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'refuse'; readonly isRefusing: boolean }
  | { readonly do: 'open' | 'cut' | 'workerDies' | 'restart' };

const tab = fc.nat({ max: 2 });
const count = fc.integer({ min: 1, max: 12 });

const moves = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('send'), tab, count }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('read'), tab, count }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('serverSends', 'serverReads'), count }) },
    { weight: 12, arbitrary: fc.record({ do: fc.constant('move'), count }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('busy', 'idle', 'idle', 'hide', 'show', 'show'), tab }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash', 'close'), tab }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.nat({ max: 400 }), fc.nat({ max: 15_000 })) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse'), isRefusing: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('open', 'cut', 'cut', 'workerDies', 'restart') }) },
  ) as fc.Arbitrary<Move>,
  { minLength: 1, maxLength: 50, size: 'max' },
);

class Play {
  readonly world = new World({ client: small, options: { closeTimeoutMs: 60_000 } });
  readonly shared = new TabsWorld(this.world, small, { reconnect: { minDelayMs: 1, maxDelayMs: 20 }, closeTimeoutMs: 60_000 });
  readonly crashed = new Set<WorldTab>();
  readonly hidden = new Set<WorldTab>();

  get live(): WorldTab[] {
    return this.shared.tabs.filter((one) => !this.crashed.has(one));
  }

  async run(schedule: readonly Move[]): Promise<this> {
    for (const listens of [true, false, true]) this.shared.open({ ...none, listens });
    await this.shared.settle();
    for (const one of schedule) await this.#move(one);
    return this;
  }

  /** Everything heals, and everybody reads to the end and closes. */
  async end(): Promise<this> {
    const { shared, world } = this;
    world.isRefusing = false;
    for (const { place } of this.live) place.beIdle();
    for (const { place } of this.live) place.fire('woken');
    const readOn = async () => {
      for (let quiet = 0; quiet < 4; quiet++) {
        await shared.pass(10_000);
        if ([...this.live.map(({ application }) => application), ...shared.servers].some((one) => one.take() > 0)) quiet = 0;
      }
    };
    await readOn();
    for (const { application } of this.live) void application.end.close();
    await readOn();
    return this;
  }

  async #move(one: Move): Promise<void> {
    const { world, shared } = this;
    if ('tab' in one) {
      const target = this.live[one.tab];
      if (target !== undefined) this.#moveTab(target, one);
    } else if (one.do === 'move') await shared.move(one.count);
    else if (one.do === 'pass') await shared.pass(one.ms);
    else if (one.do === 'refuse') world.isRefusing = one.isRefusing;
    else if ('count' in one) this.#moveServer(one);
    else if (one.do === 'workerDies') shared.killWorker();
    else if (one.do === 'restart') world.restartServer();
    else if (one.do === 'open') this.live.length < 3 && shared.open();
    else if (world.cables.length > 0) world.cut();
  }

  #moveServer({ do: what, count: messages }: Move & { count: number }): void {
    const { servers } = this.shared;
    if (what === 'serverReads') for (const server of servers) server.take(messages);
    else for (let n = 0; n < messages; n++) servers.at(-1)?.send(100, true);
  }

  #moveTab(target: WorldTab, one: Move & { tab: number }): void {
    const { place, application } = target;
    switch (one.do) {
      case 'send':
        for (let n = 0; n < one.count; n++) application.send(20 * n, n % 2 === 0);
        break;
      case 'read':
        application.take(one.count);
        break;
      case 'busy':
        place.beBusy();
        break;
      case 'idle':
        place.beIdle();
        break;
      case 'hide':
        if (place.isBusy) break;
        this.hidden.add(target);
        place.fire('suspended');
        break;
      case 'show':
        if (!place.isBusy) place.fire('woken');
        break;
      case 'crash':
        this.crashed.add(target);
        this.shared.crash(target);
        break;
      case 'close':
        void application.end.close(4000, 'as the schedule says');
        break;
    }
  }
}

describe('tabs that share a session, any of which, and the worker, and the server, may die at any time', () => {
  it('account for every message of a tab: the server read it once and in order, or it was handed back', {
    timeout: 3_600_000,
  }, async () => {
    const seen = { runs: 0, read: 0, undelivered: 0, receipts: 0 };
    await fc.assert(
      fc.asyncProperty(moves, async (schedule) => {
        const play = await (await new Play().run(schedule)).end();
        const { shared, live, crashed, hidden } = play;
        expect(live.map(({ application }) => application.end.state)).toEqual(live.map(() => 'closed'));
        const back = shared.tabs.flatMap(({ application }) => application.undelivered);
        for (const one of shared.tabs) {
          const { application } = one;
          const read = shared.servers.flatMap((server) => server.readOf(application));
          const hasRead = new Set(read);
          expect(read).toHaveLength(hasRead.size);
          // The connection of tabs that are all hidden closes when it can. They may be back before that, and send over the next one.
          if (!hidden.has(one)) expect(read).toEqual(application.sent.filter((message) => hasRead.has(message)));
          // What a tab that crashed has not handed over is gone with it, as is what it was to hand back for one that was hidden.
          const isExempt = crashed.has(one) || (crashed.size > 0 && hidden.has(one));
          const known = new Set([...read, ...back]);
          if (!isExempt) expect(application.sent.filter((message) => !known.has(message))).toEqual([]);
          seen.read += read.length;
          seen.undelivered += application.undelivered.length;
          seen.receipts += application.receipts.length;
        }
        seen.runs += 1;
      }),
      propertyBudget('GEM_TABS', 4_000),
    );
    // Those that die must not do so before anything happened.
    expect(seen.read).toBeGreaterThan(seen.runs * 5);
    expect(seen.receipts).toBeGreaterThan(seen.runs / 3);
    expect(seen.undelivered).toBeGreaterThan(0);
  });
});
