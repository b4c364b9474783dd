import { describe, expect, it } from 'vitest';
import {
  bytesOf,
  describeBatch,
  encodeRecords,
  hexOf,
  plainRecord,
  type VectorBytes,
  type VectorRecord,
  vectors,
} from './support/vectors.js';
import { World } from './support/world.js';

interface BatchVector {
  readonly name: string;
  readonly bytes: VectorBytes;
  readonly records: readonly VectorRecord[];
  readonly decodeOnly?: boolean;
}

interface MalformedVector {
  readonly name: string;
  readonly bytes: VectorBytes;
  readonly code: number;
  /** Those of topics: topic-vectors.test.ts. */
  readonly to?: string;
}

describe('batches.json', () => {
  it.each(vectors<BatchVector>('batches'))('reads $name', ({ bytes, records }) => {
    expect(describeBatch(bytesOf(bytes))).toEqual(records.map(plainRecord));
  });

  it.each(vectors<BatchVector>('batches').filter(({ decodeOnly }) => !decodeOnly))('writes $name', ({ bytes, records }) => {
    expect(hexOf(encodeRecords(records))).toBe(hexOf(bytesOf(bytes)));
  });
});

describe('malformed.json', () => {
  const malformed = vectors<MalformedVector>('malformed').filter(({ to }) => to === undefined);

  it.each(malformed)('closes the client with $code after $name', ({ bytes, code }) => {
    const world = new World().open();
    world.cable.client.events?.received(bytesOf(bytes), 0);
    expect(world.client.state).toBe('closed');
    expect(world.cable.client.closedWith).toMatchObject({ code });
    expect(world.reports).toEqual([expect.objectContaining({ code: 'PROTOCOL_ERROR' })]);
  });

  it.each(malformed)("closes the server's end with $code after $name", ({ bytes, code }) => {
    const world = new World().open();
    world.cable.server.events?.received(bytesOf(bytes), 0);
    expect(world.serverClient.state).toBe('closed');
    expect(world.cable.server.closedWith).toMatchObject({ code });
    expect(world.registry.metrics.detached).toBe(0);
  });

  it('closes with 4400 after a text message', () => {
    const world = new World().open();
    world.cable.server.events?.received('text', 4);
    expect(world.cable.server.closedWith).toMatchObject({ code: 4400 });
  });
});
