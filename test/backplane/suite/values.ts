import { expect, it } from 'vitest';
import type { Versioned } from '../../../src/backplane/backplane.js';
import { bytes, text } from '../support/member-node.js';
import type { WorldOfTest } from '../support/world.js';

const ABSENT: Versioned = { version: undefined, value: undefined };

export function valueTests(test: WorldOfTest): void {
  it('stores a value where none is expected, and gives the present one where one is', async () => {
    const [one, other] = await test.openTwo();
    expect(await one.node.swap('key', undefined)).toEqual(ABSENT);
    const first = await one.node.swap('key', undefined, bytes('one'));
    expect(first).toEqual({ version: expect.any(Number), value: bytes('one') });
    expect(await other.node.swap('key', undefined, bytes('other'))).toEqual(first);
    expect(await other.node.swap('key', undefined)).toEqual(first);
    expect(await other.node.swap('another key', undefined)).toEqual(ABSENT);
  });

  it('replaces the expected version, and gives the present one if it is another', async () => {
    const [one, other] = await test.openTwo();
    const first = await one.node.swap('key', undefined, bytes('1'));
    const second = await other.node.swap('key', first.version, bytes('2'));
    expect(text(second.value)).toBe('2');
    expect(second.version).not.toBe(first.version);
    expect(await one.node.swap('key', first.version, bytes('3'))).toEqual(second);
    expect(await one.node.swap('key', first.version)).toEqual(second);
  });

  it('lets one of many callers win', async () => {
    const nodes = await test.openThree();
    const results = await Promise.all(
      nodes.flatMap(({ node }, by) => [0, 1, 2].map((at) => node.swap('key', undefined, bytes(`${by}:${at}`)))),
    );
    expect(new Set(results.map(({ version, value }) => `${version} ${text(value)}`)).size).toBe(1);
  });

  it('removes the value of the expected version', async () => {
    const { node } = await test.open();
    const { version } = await node.swap('key', undefined, bytes('1'));
    expect(await node.swap('key', version)).toEqual(ABSENT);
    expect(await node.swap('key', undefined)).toEqual(ABSENT);
  });

  it('never uses a version of a key again', async () => {
    const { node } = await test.open();
    const first = await node.swap('key', undefined, bytes('1'), 60_000);
    await node.swap('key', first.version);
    const second = await node.swap('key', undefined, bytes('2'), 60_000);
    expect(second.version).not.toBe(first.version);
    expect(await node.swap('key', first.version, bytes('3'))).toEqual(second);
  });

  it('removes a value after its time, counted from the last swap', async () => {
    const { node } = await test.open();
    const first = await node.swap('key', undefined, bytes('1'), 500);
    const second = await node.swap('key', first.version, bytes('2'), 20_000);
    const { version } = await node.swap('short', undefined, bytes('1'), 1_000);
    await test.world.pass(1_001);
    expect(await node.swap('short', version, bytes('2'))).toEqual(ABSENT);
    expect(await node.swap('key', undefined)).toEqual(second);
  });

  it('keeps every byte of a value, also of an empty one', async () => {
    const { node } = await test.open();
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await node.swap('all', undefined, all);
    await node.swap('empty', undefined, new Uint8Array(0));
    expect((await node.swap('all', undefined)).value).toEqual(all);
    expect((await node.swap('empty', undefined)).value).toEqual(new Uint8Array(0));
  });
}
