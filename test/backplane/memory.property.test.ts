import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Keep, Page, Position } from '../../src/backplane/backplane.js';
import { memoryBackplane } from '../../src/backplane/memory.js';
import { propertyBudget } from '../support/budget.js';
import { FakeClock } from '../support/fake-clock.js';
import { bytes, type MemberNode, openNode, textsOf } from './support/member-node.js';

const REMEMBER_MS = 120_000;
const TOPICS = ['one', 'two'];

interface ModelEntry {
  readonly position: Position;
  readonly id: string;
  readonly payload: string;
  readonly atMs: number;
}

/** One log as a list of all that was ever published, of which the first `removed` are in the log no more. */
class ModelLog {
  readonly all: ModelEntry[] = [];
  removed = 0;
  keep: Keep = { maxMessages: 0, maxBytes: 0, maxAgeMs: 0 };

  get top(): Position | undefined {
    return this.all.at(-1)?.position;
  }

  trim(nowMs: number): void {
    while (this.removed < this.all.length && !this.#fits(this.all.slice(this.removed), nowMs)) this.removed += 1;
  }

  page(after: Position | 'oldest' | 'now', limit: number): Omit<Page, 'entries'> & { texts: string[] } {
    const index = this.all.findIndex(({ position }) => position === after);
    const isSameLog = index >= 0 || after === 'oldest' || after === 'now';
    const begin = after === 'now' ? this.all.length : Math.max(index + 1, this.removed);
    const end = Math.min(begin + limit, this.all.length);
    const lost = isSameLog ? begin - (index >= 0 ? index + 1 : begin) : undefined;
    const entries = this.all.slice(begin, end);
    const next = entries.at(-1)?.position ?? this.top;
    return { texts: entries.map(({ payload }) => payload), isSameLog, lost, remaining: this.all.length - end, next };
  }

  #fits(entries: readonly ModelEntry[], nowMs: number): boolean {
    const size = entries.reduce((sum, { payload }) => sum + payload.length, 0);
    const ageMs = nowMs - (entries[0] as ModelEntry).atMs;
    return entries.length <= this.keep.maxMessages && size <= this.keep.maxBytes && ageMs <= this.keep.maxAgeMs;
  }
}

/** A node, and the model that it has to agree with. */
class Comparison {
  readonly #clock = new FakeClock();
  readonly #positions: Position[] = ['x.1-1'];
  readonly #logs = new Map(TOPICS.map((topic) => [topic, new ModelLog()]));
  readonly #watches = new Map<string, () => void>();
  readonly #member: Promise<MemberNode>;
  readonly seen: { lost: number; foreign: number; forgotten: number; repeated: number };
  #nowMs = 0;
  #published = 0;

  constructor(seen: Comparison['seen']) {
    this.seen = seen;
    this.#member = openNode(memoryBackplane({ clock: this.#clock }), 'node');
  }

  async publish(topic: string, size: number, keep: Keep): Promise<void> {
    const log = this.#logOf(topic);
    this.#published += 1;
    const id = `id-${this.#published}`;
    const payload = `${this.#published}`.padEnd(size, '.');
    const { node } = await this.#member;
    const position = (await node.publish(topic, id, bytes(payload), keep)) as Position;
    log.all.push({ position, id, payload, atMs: this.#nowMs });
    log.keep = keep;
    log.trim(this.#nowMs);
    this.#positions.push(position);
  }

  async repeat(topic: string, back: number): Promise<void> {
    const log = this.#logOf(topic);
    const entry = log.all.at(-1 - back);
    if (entry === undefined || this.#nowMs - entry.atMs >= REMEMBER_MS) return;
    this.seen.repeated += 1;
    const { node } = await this.#member;
    expect(await node.publish(topic, entry.id, bytes('again'), log.keep)).toBe(entry.position);
  }

  async read(topic: string, back: number | 'oldest' | 'now', limit: number): Promise<void> {
    const after = typeof back === 'string' ? back : (this.#positions.at(-1 - (back % this.#positions.length)) as Position);
    const { node } = await this.#member;
    const { entries, ...rest } = await node.read(topic, after, limit);
    const expected = this.#logOf(topic).page(after, limit);
    expect({ texts: textsOf(entries), ...rest }).toEqual(expected);
    if ((expected.lost ?? 0) > 0) this.seen.lost += 1;
    if (!expected.isSameLog) this.seen.foreign += 1;
  }

  async watch(topic: string): Promise<void> {
    const end = this.#watches.get(topic);
    if (end === undefined) {
      this.#watches.set(topic, await (await this.#member).node.watch(topic));
      return;
    }
    end();
    this.#watches.delete(topic);
  }

  /** Time passes with timers, without, or goes back. */
  async pass(ms: number, how: 'run' | 'sleep' | 'back'): Promise<void> {
    if (how === 'run') await this.#clock.advance(ms);
    else this.#clock.jump(how === 'back' ? -ms : ms);
    if (how !== 'back') this.#nowMs += ms;
    const { node } = await this.#member;
    // Both look at the clock now, so that each sees the time that passed before the next step back.
    await Promise.all(TOPICS.map((topic) => node.read(topic, 'now', 1)));
    const tops = await node.tops(TOPICS);
    for (const [index, topic] of TOPICS.entries()) this.#expectTop(topic, tops[index]);
  }

  async close(): Promise<void> {
    await (await this.#member).node.close();
    expect(this.#clock.pendingTimers).toBe(0);
  }

  /** A log may be forgotten only if it is empty, old, and not watched. */
  #expectTop(topic: string, top: Position | undefined): void {
    const log = this.#logOf(topic);
    const isForgotten = top === undefined && log.top !== undefined;
    if (!isForgotten) {
      expect(top).toBe(log.top);
      return;
    }
    expect(log.all.length - log.removed).toBe(0);
    expect(this.#nowMs - (log.all.at(-1)?.atMs as number)).toBeGreaterThanOrEqual(REMEMBER_MS);
    expect(this.#watches.has(topic)).toBe(false);
    this.#logs.set(topic, new ModelLog());
    this.seen.forgotten += 1;
  }

  #logOf(topic: string): ModelLog {
    const log = this.#logs.get(topic) as ModelLog;
    log.trim(this.#nowMs);
    return log;
  }
}

type Step = (comparison: Comparison) => Promise<void>;

const topics = fc.constantFrom(...TOPICS);
const keeps = fc.record({
  maxMessages: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant(1_000)),
  maxBytes: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constant(10_000)),
  maxAgeMs: fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.constant(3_600_000)),
});
const positions = fc.oneof(fc.nat(12), fc.nat(12), fc.constant('oldest' as const), fc.constant('now' as const));
const times = fc.oneof(fc.nat(50), fc.nat(40_000), fc.nat(250_000));

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(topics, fc.nat(30), keeps).map(
        ([topic, size, keep]): Step =>
          (it) =>
            it.publish(topic, size, keep),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(topics, fc.nat(5)).map(
        ([topic, back]): Step =>
          (it) =>
            it.repeat(topic, back),
      ),
    },
    {
      weight: 5,
      arbitrary: fc.tuple(topics, positions, fc.integer({ min: 1, max: 8 })).map(
        ([topic, back, limit]): Step =>
          (it) =>
            it.read(topic, back, limit),
      ),
    },
    {
      weight: 1,
      arbitrary: topics.map(
        (topic): Step =>
          (it) =>
            it.watch(topic),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(times, fc.constantFrom('run', 'run', 'sleep', 'back')).map(
        ([ms, how]): Step =>
          (it) =>
            it.pass(ms, how),
      ),
    },
  ),
  { minLength: 10, maxLength: 80, size: 'max' },
);

it('gives the pages, positions and exact counts of a simple model, however the clock goes', { timeout: 3_600_000 }, async () => {
  const seen = { runs: 0, lost: 0, foreign: 0, forgotten: 0, repeated: 0 };
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const comparison = new Comparison(seen);
      for (const step of all) await step(comparison);
      await comparison.close();
      seen.runs += 1;
    }),
    propertyBudget('GEM_SCHEDULES', 3_000),
  );
  // The schedules must reach what they are for.
  for (const count of [seen.lost, seen.foreign, seen.repeated, seen.forgotten]) expect(count).toBeGreaterThan(seen.runs / 5);
});
