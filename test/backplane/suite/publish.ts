import { expect, it } from 'vitest';
import { BackplaneError, type Entry } from '../../../src/backplane/backplane.js';
import { until } from '../../support/until.js';
import { bytes, text, textsOf } from '../support/member-node.js';
import { KEEP_ALL, type WorldOfTest } from '../support/world.js';

/** Names that a careless implementation confuses with each other, with keys of its own, or with patterns. */
const STRANGE_TOPICS = [
  '',
  ' ',
  '*',
  '?',
  '[a]',
  '{a}',
  '{b}',
  'a:b',
  'a',
  'A',
  '__proto__',
  'constructor',
  '\0',
  'é',
  '😀',
  'x'.repeat(500),
];

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

/** Each entry names the one before it. */
export function expectChain(entries: readonly Entry[]): void {
  for (const [index, { previous }] of entries.entries()) {
    if (index > 0) expect(previous).toBe(entries[index - 1]?.position);
  }
}

export function publishTests(test: WorldOfTest): void {
  it('stores the payload in the log of the topic, and resolves with the position of the entry', async () => {
    const node = await test.open();
    const position = await test.publish(node, 'topic', 'hello');
    const { entries } = await node.node.read('topic', 'oldest', 10);
    expect(entries).toEqual([{ position, previous: undefined, payload: bytes('hello') }]);
  });

  it('gives positions of 1 to 64 characters of ASCII', async () => {
    const node = await test.open();
    const positions = await test.publishAll(node, 'topic', numbered(40));
    for (const position of positions) expect(position).toMatch(/^[!-~]{1,64}$/);
    expect(new Set(positions).size).toBe(40);
  });

  it('keeps every byte of a payload, also of an empty one', async () => {
    const node = await test.open();
    await node.node.watch('topic');
    const payloads = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, byte) => byte), new Uint8Array(65_536).fill(255)];
    for (const payload of payloads) await test.publish(node, 'topic', payload);
    const { entries } = await node.node.read('topic', 'oldest', 10);
    expect(entries.map(({ payload }) => payload)).toEqual(payloads);
    await until(() => node.sink.pushed.length === 3, 'the entries are pushed');
    expect(node.sink.entriesOf('topic')).toEqual(entries);
  });

  it('keeps the order of the calls of one node for one topic, without waiting for one before the next', async () => {
    const node = await test.open();
    await Promise.all(numbered(300).map((payload) => test.publish(node, 'topic', payload)));
    const { entries } = await node.node.read('topic', 'oldest', 1_000);
    expect(textsOf(entries)).toEqual(numbered(300));
    expectChain(entries);
  });

  it('makes one log of the publishes of several nodes', async () => {
    const nodes = await test.openThree();
    await Promise.all(nodes.flatMap((node, by) => numbered(50).map((number) => test.publish(node, 'topic', `${by}:${number}`))));
    const { entries } = await nodes[0].node.read('topic', 'oldest', 1_000);
    expectChain(entries);
    for (const by of [0, 1, 2]) {
      expect(textsOf(entries).filter((payload) => payload.startsWith(`${by}:`))).toEqual(numbered(50).map((number) => `${by}:${number}`));
    }
  });

  it('publishes the same id of one topic once, and answers with the position of the first', async () => {
    const [one, other] = await test.openTwo();
    await other.node.watch('topic');
    const first = await one.node.publish('topic', 'same', bytes('first'), KEEP_ALL);
    const second = await other.node.publish('topic', 'same', bytes('second'), KEEP_ALL);
    expect(second).toBe(first);
    expect(textsOf((await one.node.read('topic', 'oldest', 10)).entries)).toEqual(['first']);
    await test.world.settled();
    expect(other.sink.textsOf('topic')).toEqual(['first']);
  });

  it('publishes the same id once while the first publish is on its way', async () => {
    const nodes = await test.openThree();
    const positions = await Promise.all(nodes.map(({ node }) => node.publish('topic', 'same', bytes('x'), KEEP_ALL)));
    expect(new Set(positions).size).toBe(1);
    expect((await nodes[0].node.read('topic', 'oldest', 10)).entries).toHaveLength(1);
  });

  it('remembers an id also when its entry is not in the log any more', async () => {
    const { node } = await test.open();
    const keepOne = { ...KEEP_ALL, maxMessages: 1 };
    const first = await node.publish('topic', 'same', bytes('first'), keepOne);
    const second = await node.publish('topic', 'other', bytes('second'), keepOne);
    expect(await node.publish('topic', 'same', bytes('again'), keepOne)).toBe(first);
    expect((await node.tops(['topic']))[0]).toBe(second);
  });

  it('takes the same id of another topic for another publish', async () => {
    const { node } = await test.open();
    await node.publish('one', 'same', bytes('1'), KEEP_ALL);
    await node.publish('other', 'same', bytes('2'), KEEP_ALL);
    expect(textsOf((await node.read('other', 'oldest', 10)).entries)).toEqual(['2']);
  });

  it('keeps the logs of all names apart', async () => {
    const node = await test.open();
    for (const topic of STRANGE_TOPICS) await node.node.watch(topic);
    for (const topic of STRANGE_TOPICS) await test.publish(node, topic, `of ${topic}`);
    for (const topic of STRANGE_TOPICS) {
      const { entries } = await node.node.read(topic, 'oldest', 10);
      expect(textsOf(entries)).toEqual([`of ${topic}`]);
    }
    await until(() => node.sink.pushed.length >= STRANGE_TOPICS.length, 'the entries are pushed');
    expect(node.sink.pushed.map(({ topic, entry }) => [topic, text(entry.payload)])).toEqual(
      STRANGE_TOPICS.map((topic) => [topic, `of ${topic}`]),
    );
  });

  it("pushes with keep 'none' to every node that watches, stores nothing, and resolves with undefined", async () => {
    const [one, other] = await test.openTwo();
    await one.node.watch('topic');
    await other.node.watch('topic');
    const position = await test.publish(one, 'topic', 'stored');
    for (const payload of ['a', 'b', 'c']) {
      expect(await one.node.publish('topic', test.newId(), bytes(payload), 'none')).toBeUndefined();
    }
    const transients = ['a', 'b', 'c'].map((payload) => ({ topic: 'topic', text: payload }));
    await until(() => one.sink.transients.length === 3 && other.sink.transients.length === 3, 'the payloads are pushed');
    expect([one.sink.transients, other.sink.transients]).toEqual([transients, transients]);
    expect(await one.node.read('topic', position, 10)).toMatchObject({ entries: [], lost: 0, remaining: 0, next: position });
  });

  it('publishes nothing if the signal is aborted before', async () => {
    const { node } = await test.open();
    const published = node.publish('topic', test.newId(), bytes('x'), KEEP_ALL, AbortSignal.abort());
    await expect(published).rejects.toBeInstanceOf(BackplaneError);
    expect((await node.read('topic', 'oldest', 10)).entries).toEqual([]);
  });
}
