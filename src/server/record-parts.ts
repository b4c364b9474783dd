import { RecordReader } from '../session/records.js';

/** What is read between two looks at the clock: a batch of 64 KiB may hold 65,536 records, and each may be a message. */
const RECORDS_A_PART = 64;

/**
 * Cuts a batch of gem.1 into smaller ones, as its peer could have sent them: the meaning of records does not depend on their batch.
 * Undefined for a batch that cannot hold more records than one part. What is malformed stays in the last part.
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
