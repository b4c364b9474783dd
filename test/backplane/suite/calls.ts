import { expect, it } from 'vitest';
import type { NodeBackplane } from '../../../src/backplane/backplane.js';
import { until } from '../../support/until.js';
import { bytes } from '../support/member-node.js';
import { KEEP_ALL, type WorldOfTest } from '../support/world.js';

/** Every call that needs an open node. */
const CALLS: Readonly<Record<string, (node: NodeBackplane) => Promise<unknown>>> = {
  publish: (node) => node.publish('topic', 'id', bytes('x'), KEEP_ALL),
  'publish, not stored': (node) => node.publish('topic', 'id', bytes('x'), 'none'),
  watch: (node) => node.watch('topic'),
  read: (node) => node.read('topic', 'oldest', 1),
  tops: (node) => node.tops(['topic']),
  presence: (node) => node.presence('topic'),
  swap: (node) => node.swap('key', undefined, bytes('x')),
  signal: (node) => node.signal('node', bytes('x')),
};

export function callTests(test: WorldOfTest): void {
  it('reports that it is up, and the living nodes after each change', async () => {
    const one = await test.open();
    await until(() => one.sink.isUp && one.sink.alive.length === 1, 'the node is up and alive');
    expect(one.sink.alive).toEqual([one.tag]);
    const other = await test.open();
    const both = [one.tag, other.tag].sort();
    const isBoth = (alive: readonly string[]) => [...alive].sort().join() === both.join();
    await until(() => isBoth(one.sink.alive) && isBoth(other.sink.alive), 'both nodes know each other');
    await other.node.close();
    await until(() => one.sink.alive.length === 1, 'the other node is gone');
    expect(one.sink.alive).toEqual([one.tag]);
  });

  it('calls the sink never within a call of the node', async () => {
    const [one, other] = await test.openTwo();
    await one.node.watch('topic');
    await other.node.presence('topic', [{ key: 'ann', connections: 1, away: 0, data: '{}', updatedAtMs: 1 }]);
    await until(() => one.sink.changes.length === 1, 'the member is pushed');
    const calls = [
      test.publish(one, 'topic', 'x'),
      one.node.publish('topic', test.newId(), bytes('x'), 'none'),
      one.node.signal(one.tag, bytes('x')),
      other.node.close(),
    ];
    const { pushed, transients, changes, signals, alive } = one.sink;
    expect([pushed.length, transients.length, changes.length, signals.length, alive.length]).toEqual([0, 0, 1, 0, 2]);
    await Promise.all(calls);
    await until(() => pushed.length + transients.length + changes.length + signals.length === 5, 'everything is pushed');
  });

  it('signals to one node, with the tag of the sender, in order', async () => {
    const [one, other, third] = await test.openThree();
    for (const payload of ['1', '2', '3']) await one.node.signal(other.tag, bytes(payload));
    await one.node.signal(one.tag, bytes('to itself'));
    await until(() => other.sink.signals.length === 3 && one.sink.signals.length === 1, 'the signals arrive');
    expect(other.sink.signals).toEqual(['1', '2', '3'].map((payload) => ({ from: one.tag, text: payload })));
    expect(one.sink.signals).toEqual([{ from: one.tag, text: 'to itself' }]);
    expect(third.sink.signals).toEqual([]);
  });

  it('drops a signal to a node that has left, or never was', async () => {
    const [one, other] = await test.openTwo();
    await other.node.close();
    await one.node.signal(other.tag, bytes('late'));
    await one.node.signal('nobody', bytes('lost'));
    await test.world.settled();
    expect(other.sink.signals).toEqual([]);
  });

  it('pushes nothing to a node that has closed', async () => {
    const [one, other] = await test.openTwo();
    const end = await other.node.watch('topic');
    await other.node.close();
    await test.publish(one, 'topic', 'x');
    await one.node.publish('topic', test.newId(), bytes('x'), 'none');
    await one.node.presence('topic', [{ key: 'ann', connections: 1, away: 0, data: '{}', updatedAtMs: 1 }]);
    await test.world.settled();
    end();
    const { pushed, transients, changes, signals } = other.sink;
    expect({ pushed, transients, changes, signals }).toEqual({ pushed: [], transients: [], changes: [], signals: [] });
  });

  it('keeps the log when its publisher closes', async () => {
    const [one, other] = await test.openTwo();
    await test.publish(one, 'topic', 'x');
    await one.node.close();
    expect((await other.node.read('topic', 'oldest', 10)).entries).toHaveLength(1);
  });

  it('closes twice, and before it is open', async () => {
    const { node } = await test.open();
    await Promise.all([node.close(), node.close()]);
    await node.close();
    await test.world.backplane().close();
  });

  it.each(Object.keys(CALLS))("rejects 'down' before it is open and after it is closed: %s", async (name) => {
    const call = CALLS[name] as (node: NodeBackplane) => Promise<unknown>;
    await expect(call(test.world.backplane())).rejects.toMatchObject({ name: 'BackplaneError', fault: 'down' });
    const { node } = await test.open();
    await node.close();
    await expect(call(node)).rejects.toMatchObject({ name: 'BackplaneError', fault: 'down' });
  });
}
