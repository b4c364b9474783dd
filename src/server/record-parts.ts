import { RecordReader } from '../session/codec.js';

/** The clock is read after so many records: a batch of 64 KiB may hold 65,536, and each may be a message. */
const RECORDS_A_PART = 64;

/**
 * Splits a batch of gem.1 into smaller batches. The meaning of a record does not depend on its batch. Malformed bytes stay in
 * the last part. Undefined for a batch that cannot hold more records than one part.
 */
export function splitBatch(batch: Uint8Array, recordsAPart = RECORDS_A_PART): Iterator<Uint8Array> | undefined {
  return batch.byteLength > recordsAPart ? parts(batch, recordsAPart) : undefined;
}

function* parts(batch: Uint8Array, recordsAPart: number): Generator<Uint8Array, undefined> {
  const records = new RecordReader(batch);
  let from = 0;
  for (let count = 1; records.next(); count++) {
    if (count % recordsAPart !== 0 || records.end === batch.length) continue;
    yield batch.subarray(from, records.end);
    from = records.end;
  }
  yield from === 0 ? batch : batch.subarray(from);
}
