import { expect, it } from 'vitest';
import type { Entry } from '../../../src/backplane/backplane.js';
import { textsOf } from '../support/member-node.js';
import { KEEP_ALL, type WorldOfTest } from '../support/world.js';
import { expectChain } from './publish.js';

const NUMBERS = Array.from({ length: 10 }, (_, index) => `${index}`);

/** What clients may send in place of a position. */
const GARBAGE = [
  '',
  ' ',
  '0',
  '.',
  '-',
  'a.b-c',
  '.1-1',
  '1-1',
  'x'.repeat(10_000),
  '\0',
  'é😀',
  '\ud800',
  '__proto__',
  '1.1-1\n',
  'Oldest',
];

export function readTests(test: WorldOfTest): void {
  /** A log with the entries '0' to '9', published with the bounds. */
  async function logOfTen(keep = KEEP_ALL) {
    const node = await test.open();
    const positions = await test.publishAll(node, 'topic', NUMBERS, keep);
    return { node, positions, positionOf: (index: number) => positions[index] as string };
  }

  it("begins at the first entry with 'oldest', and gives pages that continue at `next`", async () => {
    const { node, positions } = await logOfTen();
    const entries: Entry[] = [];
    let after = 'oldest';
    for (const [count, remaining] of [
      [4, 6],
      [4, 2],
      [2, 0],
    ]) {
      const page = await node.node.read('topic', after, 4);
      expect(page).toMatchObject({ isSameLog: true, lost: 0, remaining, next: page.entries.at(-1)?.position });
      expect(page.entries).toHaveLength(count as number);
      entries.push(...page.entries);
      after = page.next as string;
    }
    expect(textsOf(entries)).toEqual(NUMBERS);
    expect(entries.map(({ position }) => position)).toEqual(positions);
    expectChain(entries);
  });

  it('gives the entries after a position', async () => {
    const { node, positionOf } = await logOfTen();
    const page = await node.node.read('topic', positionOf(6), 100);
    expect(textsOf(page.entries)).toEqual(['7', '8', '9']);
    expect(page.entries[0]?.previous).toBe(positionOf(6));
    expect(page).toMatchObject({ isSameLog: true, lost: 0, remaining: 0, next: positionOf(9) });
  });

  it('gives nothing after the end of the log', async () => {
    const { node, positionOf } = await logOfTen();
    const end = positionOf(9);
    expect(await node.node.read('topic', end, 100)).toEqual({ entries: [], isSameLog: true, lost: 0, remaining: 0, next: end });
  });

  it("gives the end of the log and no entries with 'now'", async () => {
    const { node, positionOf } = await logOfTen();
    expect(await node.node.read('topic', 'now', 100)).toMatchObject({ entries: [], isSameLog: true, remaining: 0, next: positionOf(9) });
  });

  it('counts the entries that were removed after the position', async () => {
    const { node, positionOf } = await logOfTen({ ...KEEP_ALL, maxMessages: 4 });
    for (const [index, lost] of [
      [0, 5],
      [4, 1],
      [5, 0],
    ] as const) {
      const page = await node.node.read('topic', positionOf(index), 3);
      expect(textsOf(page.entries)).toEqual(['6', '7', '8']);
      expect(page).toMatchObject({ isSameLog: true, lost, remaining: 1, next: positionOf(8) });
    }
    expect(await node.node.read('topic', 'oldest', 3)).toMatchObject({ isSameLog: true, lost: 0, remaining: 1 });
  });

  it('counts the entries that were removed when none is left', async () => {
    const { node, positionOf } = await logOfTen({ ...KEEP_ALL, maxMessages: 0 });
    const end = positionOf(9);
    expect(await node.node.read('topic', positionOf(2), 3)).toEqual({ entries: [], isSameLog: true, lost: 7, remaining: 0, next: end });
    expect(await node.node.read('topic', end, 3)).toEqual({ entries: [], isSameLog: true, lost: 0, remaining: 0, next: end });
    expect(await node.node.read('topic', 'oldest', 3)).toMatchObject({ entries: [], isSameLog: true, lost: 0, next: end });
  });

  it('gives the whole log, in pages, after a position of another topic', async () => {
    const { node } = await logOfTen();
    const [foreign] = await test.publishAll(node, 'another topic', ['a', 'b', 'c']);
    const page = await node.node.read('topic', foreign as string, 4);
    expect(textsOf(page.entries)).toEqual(['0', '1', '2', '3']);
    expect(page).toMatchObject({ isSameLog: false, lost: undefined, remaining: 6, next: page.entries[3]?.position });
    expect(await node.node.read('topic', page.next as string, 100)).toMatchObject({ isSameLog: true, lost: 0, remaining: 0 });
  });

  it.each(GARBAGE)('gives the whole log after a position that is none: %j', async (position) => {
    const { node, positionOf } = await logOfTen();
    const page = await node.node.read('topic', position, 100);
    expect(textsOf(page.entries)).toEqual(NUMBERS);
    expect(page).toMatchObject({ isSameLog: false, lost: undefined, remaining: 0, next: positionOf(9) });
  });

  it('gives an empty page of a topic without a log', async () => {
    const { node } = await test.open();
    const empty = { entries: [], isSameLog: true, lost: 0, remaining: 0, next: undefined };
    expect(await node.read('topic', 'oldest', 10)).toEqual(empty);
    expect(await node.read('topic', 'now', 10)).toEqual(empty);
    expect(await node.read('topic', 'x.1-1', 10)).toEqual({ ...empty, isSameLog: false, lost: undefined });
  });

  it('gives the last position of each topic', async () => {
    const { node, positionOf } = await logOfTen({ ...KEEP_ALL, maxMessages: 0 });
    const other = await test.publish(node, 'another topic', 'a');
    expect(await node.node.tops(['topic', 'no topic', 'another topic', 'topic'])).toEqual([positionOf(9), undefined, other, positionOf(9)]);
    expect(await node.node.tops([])).toEqual([]);
  });
}
