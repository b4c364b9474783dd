import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Keep, Position } from '../../src/backplane/backplane.js';
import { type MemoryBackplaneOptions, MemoryBroker, memoryBackplane } from '../../src/backplane/memory.js';
import { runtimeClock } from '../../src/backplane/memory-time.js';
import { FakeClock, settle } from '../support/fake-clock.js';
import { backplaneSuite } from './suite.js';
import { bytes, type MemberNode, openNode, textsOf } from './support/member-node.js';
import { KEEP_ALL } from './support/world.js';

backplaneSuite('the memory', () => {
  const clock = new FakeClock();
  const broker = new MemoryBroker({ clock });
  return { backplane: () => broker.backplane(), pass: (ms) => clock.advance(ms), settled: settle, close: async () => {} };
});

const REMEMBER_MS = 120_000;
const MINUTE: Keep = { ...KEEP_ALL, maxAgeMs: 60_000 };
const NOTHING: Keep = { ...KEEP_ALL, maxMessages: 0 };

describe('the memory backplane alone', () => {
  let clock: FakeClock;
  let member: MemberNode;
  let lastId = 0;

  async function open(options: MemoryBackplaneOptions = {}): Promise<void> {
    clock = new FakeClock();
    member = await openNode(memoryBackplane({ clock, ...options }), 'node');
  }

  beforeEach(() => open());
  afterEach(() => member.node.close());

  function publish(payload: string, keep: Keep = MINUTE, topic = 'topic'): Promise<Position | undefined> {
    lastId += 1;
    return member.node.publish(topic, `id-${lastId}`, bytes(payload), keep);
  }

  const read = (after: Position = 'oldest') => member.node.read('topic', after, 1_000);

  describe('positions', () => {
    /** A position of the log, with parts replaced. */
    async function forged(parts: { epoch?: string; offset?: string; ms?: string }): Promise<Position> {
      const [epoch, offset, ms] = ((await member.node.tops(['topic']))[0] as string).split(/[.-]/);
      return `${parts.epoch ?? epoch}.${parts.offset ?? offset}-${parts.ms ?? ms}`;
    }

    beforeEach(async () => {
      for (const payload of ['1', '2', '3', '4']) await publish(payload, { ...MINUTE, maxMessages: 2 });
    });

    it.each([
      ['of another epoch', { epoch: '00000000' }],
      ['of an epoch that begins alike', { epoch: '' }],
      ['of the future', { offset: '5' }],
      ['far in the future', { offset: 'zzzzzzzzzzzzzzzzzzzzzzzzzzzz' }],
      ['of the last offset, from a fork', { ms: 'abc' }],
      ['of an offset in the log, from a fork', { offset: '3', ms: 'abc' }],
      ['of the last removed offset, from a fork', { offset: '2', ms: 'abc' }],
      ['of offset 0', { offset: '0' }],
      ['of an offset with a leading zero', { offset: '01' }],
      ['of a negative offset', { offset: '-1' }],
    ])('one %s is not of this log', async (_, parts) => {
      const page = await read(await forged(parts));
      expect(page).toMatchObject({ isSameLog: false, lost: undefined, remaining: 0 });
      expect(textsOf(page.entries)).toEqual(['3', '4']);
    });

    it('one of a removed entry is of this log', async () => {
      expect(await read(await forged({ offset: '1' }))).toMatchObject({ isSameLog: true, lost: 1 });
      expect(await read(await forged({ offset: '2' }))).toMatchObject({ isSameLog: true, lost: 0 });
    });
  });

  describe('ids', () => {
    const send = (id: string, payload = id) => member.node.publish('topic', id, bytes(payload), KEEP_ALL);

    it('are remembered for two minutes, however the publishes fall', async () => {
      const first = await send('a');
      for (let second = 1; second < 120; second += 7) {
        await clock.advance(7_000);
        await send(`between ${second}`);
        if (second + 7 < 120) expect(await send('a')).toBe(first);
      }
    });

    it('are forgotten after twice that time at the latest, and then need no timer', async () => {
      await member.node.publish('topic', 'a', bytes('a'), NOTHING);
      await clock.advance(2 * REMEMBER_MS + 2_000);
      expect(clock.pendingTimers).toBe(0);
      await send('a');
      expect((await read()).entries).toHaveLength(1);
    });

    it('are bounded: the oldest are forgotten first', async () => {
      await open({ maxIds: 100 });
      for (let index = 0; index < 300; index += 1) await send(`${index}`);
      const top = (await member.node.tops(['topic']))[0];
      for (let index = 251; index < 300; index += 1) await send(`${index}`);
      expect((await member.node.tops(['topic']))[0]).toBe(top);
      await send('0');
      expect((await read()).entries).toHaveLength(301);
    });
  });

  describe('what expires', () => {
    it('needs no timer while there is nothing, and one while there is something', async () => {
      expect(clock.pendingTimers).toBe(0);
      await publish('1');
      await publish('2', MINUTE, 'another topic');
      await member.node.swap('key', undefined, bytes('x'), 1_000);
      expect(clock.pendingTimers).toBe(1);
      await clock.advance(1_000_000);
      expect(clock.pendingTimers).toBe(0);
    });

    it('needs no timer after the last node is closed, and expires when one is open again', async () => {
      const broker = new MemoryBroker({ clock, maxTopics: 1 });
      const first = await openNode(broker.backplane(), 'first');
      await first.node.publish('one', 'a', bytes('a'), MINUTE);
      await first.node.close();
      expect(clock.pendingTimers).toBe(0);
      await clock.advance(1_000_000);
      const second = await openNode(broker.backplane(), 'second');
      expect((await second.node.read('one', 'oldest', 10)).entries).toEqual([]);
      await second.node.publish('other', 'b', bytes('b'), MINUTE);
      await second.node.close();
    });

    it('does not keep a process of Node alive', () => {
      const spy = vi.spyOn(globalThis, 'setTimeout');
      const cancel = runtimeClock.after(1_000, () => {});
      const [timer] = spy.mock.results.map(({ value }) => value as NodeJS.Timeout);
      expect(timer?.hasRef()).toBe(false);
      cancel();
      spy.mockRestore();
    });

    it('has the age that the elapsed time gives it, when the wall clock is set back', async () => {
      await publish('1');
      await clock.advance(40_000);
      await read();
      clock.jump(-3_600_000);
      await publish('2');
      await clock.advance(19_999);
      expect(textsOf((await read()).entries)).toEqual(['1', '2']);
      await clock.advance(2);
      expect(textsOf((await read()).entries)).toEqual(['2']);
      await clock.advance(40_000);
      expect((await read()).entries).toEqual([]);
    });
  });

  describe('a log without entries', () => {
    it('is forgotten after the memory of ids; a later log has another epoch', async () => {
      const before = (await publish('1', NOTHING)) as Position;
      await clock.advance(REMEMBER_MS - 1);
      expect(await read(before)).toMatchObject({ isSameLog: true, next: before });
      await clock.advance(1_001);
      expect(await read(before)).toEqual({ entries: [], isSameLog: false, lost: undefined, remaining: 0, next: undefined });
      const after = (await publish('2', NOTHING)) as Position;
      expect(after.split('.')[0]).not.toBe(before.split('.')[0]);
      expect(await read(before)).toMatchObject({ isSameLog: false, next: after });
    });

    it('is forgotten when its last entries have expired', async () => {
      const before = (await publish('1', { ...KEEP_ALL, maxAgeMs: 3_600_000 })) as Position;
      await clock.advance(3_600_000);
      expect(await read(before)).toMatchObject({ isSameLog: true });
      await clock.advance(2_000);
      expect(await read(before)).toMatchObject({ isSameLog: false });
    });

    it('is kept while a node watches the topic', async () => {
      const end = await member.node.watch('topic');
      const position = (await publish('1')) as Position;
      await clock.advance(1_000_000);
      expect(await read(position)).toMatchObject({ isSameLog: true, next: position });
      end();
      await clock.advance(1_000);
      expect(await read(position)).toMatchObject({ isSameLog: false });
    });
  });

  describe('bounds', () => {
    const full = { name: 'BackplaneError', fault: 'full' };

    it('`maxTopics`: no other log begins, reads and the other logs go on', async () => {
      await open({ maxTopics: 1_000 });
      for (let index = 0; index < 1_000; index += 1) await publish('x', MINUTE, `${index}`);
      await expect(publish('x', MINUTE, 'one more')).rejects.toMatchObject(full);
      expect(await member.node.tops(['one more'])).toEqual([undefined]);
      await publish('x', MINUTE, '17');
      expect((await member.node.read('17', 'oldest', 10)).entries).toHaveLength(2);
      await clock.advance(2 * REMEMBER_MS);
      await publish('x', MINUTE, 'one more');
      expect((await member.node.read('one more', 'oldest', 10)).entries).toHaveLength(1);
    });

    it('`maxBytes`: nothing is done, and there is room again when entries have expired', async () => {
      await open({ maxBytes: 10_000 });
      const payload = 'x'.repeat(4_000);
      await publish(payload);
      const end = await publish(payload);
      await expect(publish(payload)).rejects.toMatchObject(full);
      await expect(publish(payload, MINUTE, 'another topic')).rejects.toMatchObject(full);
      await expect(member.node.swap('key', undefined, bytes(payload))).rejects.toMatchObject(full);
      expect(await read()).toMatchObject({ remaining: 0, next: end, entries: [{}, {}] });
      expect(await member.node.swap('key', undefined)).toMatchObject({ version: undefined });
      await clock.advance(60_001);
      await publish(payload);
    });

    it('`maxBytes`: the id of a refused publish is not remembered', async () => {
      await open({ maxBytes: 3_000 });
      await publish('x'.repeat(1_500));
      const send = () => member.node.publish('topic', 'same', bytes('x'.repeat(1_500)), MINUTE);
      await expect(send()).rejects.toMatchObject(full);
      await clock.advance(60_001);
      await send();
      expect((await read()).entries).toHaveLength(1);
    });

    it('`maxBytes`: a publish that removes as much as it adds goes on', async () => {
      await open({ maxBytes: 10_000 });
      const keep = { ...MINUTE, maxMessages: 2 };
      for (let index = 0; index < 20; index += 1) await publish('x'.repeat(4_000), keep);
      await expect(publish('x'.repeat(6_000), { ...MINUTE, maxMessages: 3 })).rejects.toMatchObject(full);
      expect((await read()).entries).toHaveLength(2);
    });

    it('`maxBytes`: counts values until they are removed or expire', async () => {
      await open({ maxBytes: 5_000 });
      const value = bytes('x'.repeat(4_000));
      const { version } = await member.node.swap('one', undefined, value);
      await expect(publish('x'.repeat(1_000))).rejects.toMatchObject(full);
      const smaller = await member.node.swap('one', version, bytes('x'));
      await member.node.swap('one', smaller.version);
      await member.node.swap('other', undefined, value, 1_000);
      await expect(publish('x'.repeat(1_000))).rejects.toMatchObject(full);
      await clock.advance(1_001);
      await publish('x'.repeat(1_000));
    });

    it('keeps a copy of a payload that is a small part of a larger buffer', async () => {
      const slab = bytes(`abc${'-'.repeat(10_000)}`);
      await member.node.publish('topic', 'id', slab.subarray(0, 3), KEEP_ALL);
      const [entry] = (await read()).entries;
      expect(entry?.payload).toEqual(bytes('abc'));
      expect(entry?.payload.buffer.byteLength).toBe(3);
    });
  });

  describe('pushes', () => {
    it('are made after the call of `publish` and before its promise resolves', async () => {
      await member.node.watch('topic');
      const steps: string[] = [];
      member.sink.onEntry = () => steps.push('pushed');
      const published = publish('x').then(() => steps.push('resolved'));
      steps.push('called');
      await published;
      expect(steps).toEqual(['called', 'pushed', 'resolved']);
    });

    it('come before the promise resolves also if a sink publishes', async () => {
      await member.node.watch('topic');
      const steps: string[] = [];
      member.sink.onEntry = () => {
        const number = member.sink.pushed.length;
        steps.push(`pushed ${number}`);
        if (number < 3) void publish('x').then(() => steps.push(`resolved ${number + 1}`));
      };
      await publish('x').then(() => steps.push('resolved 1'));
      await settle();
      expect(steps.filter((step) => step.startsWith('pushed'))).toEqual(['pushed 1', 'pushed 2', 'pushed 3']);
      for (const number of [1, 2, 3]) expect(steps.indexOf(`pushed ${number}`)).toBeLessThan(steps.indexOf(`resolved ${number}`));
    });
  });
});
