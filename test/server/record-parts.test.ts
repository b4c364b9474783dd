import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecordReader, splitBatch } from '../../src/session/codec.js';

/** Mostly sound records, so that cuts fall everywhere; what is malformed may stand anywhere. */
const batches = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom([0x0a], [0x18, 1], [0x31, 1, 2, 3]) },
      { weight: 1, arbitrary: fc.array(fc.nat(255)) },
    ),
    {
      maxLength: 700,
      size: 'max',
    },
  )
  .map((records) => Uint8Array.from(records.flat()));

function partsOf(batch: Uint8Array): Uint8Array[] {
  const parts = splitBatch(batch);
  return parts === undefined ? [batch] : [...{ [Symbol.iterator]: () => parts }];
}

function recordsOf(batch: Uint8Array): { records: number; fault: string | undefined } {
  const reader = new RecordReader(batch);
  let records = 0;
  while (reader.next()) records += 1;
  return { records, fault: reader.fault };
}

it('the parts of a batch have its bytes, and are batches themselves; malformed bytes stay in the last', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const parts = partsOf(batch);
      expect(Buffer.concat(parts)).toEqual(Buffer.from(batch));
      const read = parts.map(recordsOf);
      expect(read.reduce((sum, { records }) => sum + records, 0)).toBe(recordsOf(batch).records);
      expect(read.slice(0, -1).every(({ records, fault }) => records === 64 && fault === undefined)).toBe(true);
      expect(read.at(-1)?.fault).toBe(recordsOf(batch).fault);
    }),
  );
});

it('a batch that is too large is left to its reader', () => {
  const batch = new Uint8Array(65_537);
  expect(partsOf(batch)).toEqual([batch]);
});
