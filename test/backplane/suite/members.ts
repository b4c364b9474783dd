import { expect, it } from 'vitest';
import type { MemberPart, NodeMembers } from '../../../src/backplane/backplane.js';
import { until } from '../../support/until.js';
import type { WorldOfTest } from '../support/world.js';

const part = (key: string, changes: Partial<MemberPart> = {}): MemberPart => ({
  key,
  connections: 1,
  away: 0,
  data: '{}',
  updatedAtMs: 1,
  ...changes,
});

/** In an order that does not depend on the implementation. */
function sorted(members: readonly NodeMembers[]): NodeMembers[] {
  return members
    .map(({ node, members: parts }) => ({ node, members: [...parts].sort((one, other) => (one.key < other.key ? -1 : 1)) }))
    .sort((one, other) => (one.node < other.node ? -1 : 1));
}

export function memberTests(test: WorldOfTest): void {
  it('resolves with the parts of all living nodes', async () => {
    const [one, other] = await test.openTwo();
    expect(await one.node.presence('topic')).toEqual([]);
    const ann = part('ann', { connections: 2, away: 1, data: '{"name":"Ann \\u0000 é"}', updatedAtMs: 17 });
    expect(await one.node.presence('topic', [ann, part('__proto__')])).toEqual([
      { node: one.tag, members: expect.arrayContaining([ann, part('__proto__')]) },
    ]);
    expect(sorted(await other.node.presence('topic', [part('ann')]))).toEqual(
      sorted([
        { node: one.tag, members: [ann, part('__proto__')] },
        { node: other.tag, members: [part('ann')] },
      ]),
    );
    expect(sorted(await one.node.presence('topic'))).toEqual(sorted(await other.node.presence('topic')));
    expect(await one.node.presence('another topic')).toEqual([]);
  });

  it('replaces a part, and removes one without connections', async () => {
    const { node, tag } = await test.open();
    await node.presence('topic', [part('ann'), part('bob')]);
    await node.presence('topic', [part('ann', { connections: 3, updatedAtMs: 2 }), part('bob', { connections: 0 })]);
    expect(await node.presence('topic')).toEqual([{ node: tag, members: [part('ann', { connections: 3, updatedAtMs: 2 })] }]);
    await node.presence('topic', [part('ann', { connections: 0 }), part('never there', { connections: 0 })]);
    expect(await node.presence('topic')).toEqual([]);
  });

  it('pushes the changes to the other nodes that watch the topic', async () => {
    const [one, watcher, other] = await test.openThree();
    await one.node.watch('topic');
    await watcher.node.watch('topic');
    const ann = part('ann', { data: '{"x":1}' });
    await one.node.presence('topic', [ann]);
    await one.node.presence('topic');
    await one.node.presence('topic', []);
    await one.node.presence('topic', [{ ...ann, connections: 0 }]);
    await until(() => watcher.sink.changes.length >= 2, 'the changes are pushed');
    await test.world.settled();
    expect(watcher.sink.changes).toEqual([
      { topic: 'topic', node: one.tag, members: [ann] },
      { topic: 'topic', node: one.tag, members: [{ ...ann, connections: 0 }] },
    ]);
    expect([one.sink.changes, other.sink.changes]).toEqual([[], []]);
  });

  it('removes the members of a node that closes, and pushes it', async () => {
    const [leaving, watcher] = await test.openTwo();
    await watcher.node.watch('topic');
    await leaving.node.presence('topic', [part('ann'), part('bob', { connections: 2, away: 2 })]);
    await leaving.node.presence('another topic', [part('ann')]);
    await watcher.node.presence('topic', [part('ann')]);
    await until(() => watcher.sink.changes.length === 1, 'the members are pushed');
    await leaving.node.close();
    expect(await watcher.node.presence('topic')).toEqual([{ node: watcher.tag, members: [part('ann')] }]);
    expect(await watcher.node.presence('another topic')).toEqual([]);
    const removed = () =>
      watcher.sink.changes
        .slice(1)
        .flatMap(({ node, members }) => members.map(({ key, connections, away }) => [node, key, connections, away]));
    await until(() => removed().length === 2, 'the removal is pushed');
    expect(removed().sort()).toEqual([
      [leaving.tag, 'ann', 0, 0],
      [leaving.tag, 'bob', 0, 0],
    ]);
  });
}
