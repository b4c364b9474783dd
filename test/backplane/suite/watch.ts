import { expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { bytes, textsOf } from '../support/member-node.js';
import { KEEP_ALL, type WorldOfTest } from '../support/world.js';
import { expectChain } from './publish.js';

export function watchTests(test: WorldOfTest): void {
  it('pushes a new entry to every node that watches the topic, the publisher included, and to no other', async () => {
    const [publisher, watcher, other] = await test.openThree();
    await publisher.node.watch('topic');
    await watcher.node.watch('topic');
    await other.node.watch('another topic');
    const position = await test.publish(publisher, 'topic', 'hello');
    await until(() => publisher.sink.pushed.length === 1 && watcher.sink.pushed.length === 1, 'the entry is pushed');
    await test.world.settled();
    const push = { topic: 'topic', entry: { position, previous: undefined, payload: bytes('hello') } };
    expect([publisher, watcher, other].map(({ sink }) => sink.pushed)).toEqual([[push], [push], []]);
  });

  it('pushes every publish after the watch is resolved, also of a node that does not watch', async () => {
    const [publisher, watcher] = await test.openTwo();
    await test.publish(publisher, 'topic', 'before');
    await watcher.node.watch('topic');
    await Promise.all(['1', '2', '3'].map((payload) => test.publish(publisher, 'topic', payload)));
    await until(() => watcher.sink.pushed.length === 3, 'the entries are pushed');
    expect(watcher.sink.textsOf('topic')).toEqual(['1', '2', '3']);
  });

  it('pushes the entries of several publishers in the order of the log', async () => {
    const nodes = await test.openThree();
    for (const { node } of nodes) await node.watch('topic');
    await Promise.all(nodes.flatMap((node, by) => Array.from({ length: 50 }, (_, at) => test.publish(node, 'topic', `${by}:${at}`))));
    await until(() => nodes.every(({ sink }) => sink.pushed.length === 150), 'all entries are pushed');
    const { entries } = await nodes[0].node.read('topic', 'oldest', 1_000);
    for (const { sink } of nodes) expect(sink.entriesOf('topic')).toEqual(entries);
    expectChain(entries);
  });

  it('keeps the order of the log when a sink publishes to the topic that it is called for', async () => {
    const [node, watcher] = await test.openTwo();
    await watcher.node.watch('topic');
    await node.node.watch('topic');
    let depth = 0;
    node.sink.onEntry = () => {
      expect(depth).toBe(0);
      depth += 1;
      if (node.sink.pushed.length < 20) void test.publish(node, 'topic', `${node.sink.pushed.length}`);
      depth -= 1;
    };
    await test.publish(node, 'topic', '0');
    await until(() => watcher.sink.pushed.length === 20 && node.sink.pushed.length === 20, 'all entries are pushed');
    const { entries } = await node.node.read('topic', 'oldest', 100);
    expect(textsOf(entries)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect([node.sink.entriesOf('topic'), watcher.sink.entriesOf('topic')]).toEqual([entries, entries]);
  });

  it('leaves no hole between a read after the watch and the pushes', async () => {
    const [publisher, reader] = await test.openTwo();
    const published = Array.from({ length: 200 }, (_, index) => test.publish(publisher, 'topic', `${index}`));
    await reader.node.watch('topic');
    const { entries } = await reader.node.read('topic', 'oldest', 1_000);
    published.push(...Array.from({ length: 200 }, (_, index) => test.publish(publisher, 'topic', `${200 + index}`)));
    await Promise.all(published);
    await until(() => reader.sink.textsOf('topic').at(-1) === '399', 'the last entry is pushed');
    const seen = new Set([...textsOf(entries), ...reader.sink.textsOf('topic')]);
    expect([...seen]).toEqual(Array.from({ length: 400 }, (_, index) => `${index}`));
  });

  it('counts the watches of a node: the topic is watched until each of them is ended, once', async () => {
    const node = await test.open();
    const endOne = await node.node.watch('topic');
    const endOther = await node.node.watch('topic');
    await test.publish(node, 'topic', 'of both');
    await test.world.settled();
    endOne();
    endOne();
    await test.publish(node, 'topic', 'of one');
    await test.world.settled();
    endOther();
    await test.publish(node, 'topic', 'of none');
    await node.node.publish('topic', test.newId(), bytes('of none'), 'none');
    await test.world.settled();
    expect(node.sink.textsOf('topic')).toEqual(['of both', 'of one']);
    expect(node.sink.transients).toEqual([]);
  });

  it('pushes nothing from the end of the watch on, and again after another watch', async () => {
    const node = await test.open();
    const end = await node.node.watch('topic');
    node.sink.onEntry = () => end();
    await Promise.all(['1', '2', '3'].map((payload) => test.publish(node, 'topic', payload)));
    await test.world.settled();
    expect(node.sink.textsOf('topic')).toEqual(['1']);
    await node.node.watch('topic');
    end();
    await test.publish(node, 'topic', '4');
    await until(() => node.sink.pushed.length === 2, 'the entry is pushed');
    expect(node.sink.textsOf('topic')).toEqual(['1', '4']);
  });

  it('pushes an entry that its own bounds do not keep', async () => {
    const node = await test.open();
    await node.node.watch('topic');
    const position = await test.publish(node, 'topic', 'x', { ...KEEP_ALL, maxMessages: 0 });
    await until(() => node.sink.pushed.length === 1, 'the entry is pushed');
    expect(node.sink.pushed[0]?.entry.position).toBe(position);
  });
}
