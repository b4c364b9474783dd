import { expect, it } from 'vitest';
import type { Keep } from '../../../src/backplane/backplane.js';
import { textsOf } from '../support/member-node.js';
import { KEEP_ALL, type WorldOfTest } from '../support/world.js';

export function keepTests(test: WorldOfTest): void {
  /** What is in the log after the payloads were published with the bounds. */
  async function keptOf(payloads: readonly string[], keep: Partial<Keep>): Promise<string[]> {
    const node = await test.open();
    await test.publishAll(node, 'topic', payloads, { ...KEEP_ALL, ...keep });
    return textsOf((await node.node.read('topic', 'oldest', 1_000)).entries);
  }

  it('keeps exactly the newest `maxMessages` entries', async () => {
    const numbers = Array.from({ length: 250 }, (_, index) => `${index}`);
    expect(await keptOf(numbers, { maxMessages: 10 })).toEqual(numbers.slice(-10));
  });

  it('keeps exactly the newest entries that have `maxBytes` together', async () => {
    expect(await keptOf(['1234', '123', '12', '1', '12345'], { maxBytes: 9 })).toEqual(['12', '1', '12345']);
  });

  it('keeps nothing of a payload that is larger than `maxBytes`, nor anything before it', async () => {
    expect(await keptOf(['1', '2', '1234567890'], { maxBytes: 9 })).toEqual([]);
  });

  it('keeps nothing with `maxMessages` 0', async () => {
    expect(await keptOf(['1', '2'], { maxMessages: 0 })).toEqual([]);
  });

  it('gives no entry that is older than `maxAgeMs`, without another publish', async () => {
    const node = await test.open();
    const keep = { ...KEEP_ALL, maxAgeMs: 1_000 };
    const [first] = await test.publishAll(node, 'topic', ['1', '2'], keep);
    await test.world.pass(1_001);
    expect((await node.node.read('topic', 'oldest', 10)).entries).toEqual([]);
    await test.publish(node, 'topic', '3', keep);
    expect(await node.node.read('topic', first as string, 10)).toMatchObject({ isSameLog: true, lost: 1, remaining: 0 });
  });

  it('applies the bounds of the last publish', async () => {
    const node = await test.open();
    await test.publishAll(node, 'topic', ['1', '2', '3', '4'], KEEP_ALL);
    await test.publish(node, 'topic', '5', { ...KEEP_ALL, maxMessages: 2 });
    expect(textsOf((await node.node.read('topic', 'oldest', 10)).entries)).toEqual(['4', '5']);
    await test.publish(node, 'topic', '6', KEEP_ALL);
    expect(textsOf((await node.node.read('topic', 'oldest', 10)).entries)).toEqual(['4', '5', '6']);
  });
}
