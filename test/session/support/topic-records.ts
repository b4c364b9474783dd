import { Batcher } from '../../../src/session/batcher.js';
import { FieldReader, RecordReader } from '../../../src/session/codec.js';
import { Fragmenter } from '../../../src/session/fragments.js';
import * as Kind from '../../../src/session/record-kind.js';
import * as Topic from '../../../src/topics/records.js';
import { bytesOf, hexOf, textOf, type VectorText } from './vectors.js';

/** A record of topics as the vectors write it. */
export type TopicRecord = Readonly<Record<string, unknown>> & { readonly is: string; readonly number: number };

const CHUNK_BYTES = 16_384;
const POSITION = 'position';
const PAYLOAD = 'payload';

/** Subtype and fields of each record, after its number. Of these, `position` after a `start` and `limit` of a refusal may be missing. */
const LAYOUTS: Readonly<Record<string, readonly [number, ...string[]]>> = {
  subscribe: [Topic.SUBSCRIBE, 'window', 'topic', 'start', POSITION],
  stop: [Topic.STOP],
  window: [Topic.WINDOW, 'limit'],
  publish: [Topic.PUBLISH, 'id', 'topic', PAYLOAD],
  granted: [Topic.GRANTED, 'feed', POSITION, 'outcome', 'replayed', 'lost'],
  refused: [Topic.REFUSED, 'reason', 'limit'],
  entry: [Topic.ENTRY, POSITION, PAYLOAD],
  continuity: [Topic.CONTINUITY, 'outcome', 'total', 'lost'],
  revoked: [Topic.REVOKED, 'reason'],
  published: [Topic.PUBLISHED, POSITION],
};
const STRINGS = ['id', 'topic', POSITION];

/** The record in a batch, or in the CHUNKs of a batch. */
export function decodeTopicRecord(batch: Uint8Array): TopicRecord {
  const records = new RecordReader(batch);
  let body = new Uint8Array(0);
  while (records.next()) body = Uint8Array.of(...body, ...batch.subarray(records.start, records.end));
  const fields = new FieldReader(body, 0, body.length);
  const subtype = fields.varint();
  const [is, layout] = Object.entries(LAYOUTS).find(([, [known]]) => known === subtype) ?? ['unknown', [0]];
  const record: Record<string, unknown> = { is, number: fields.varint() };
  for (const name of layout.slice(1) as string[]) {
    if (!(name === POSITION && record.start !== undefined && record.start !== Topic.FROM_POSITION) && !(name === 'limit' && fields.isAtEnd))
      Object.assign(record, decodeField(name, fields));
  }
  if (records.kind === Kind.transient) record.isTransient = true;
  return fields.isSound ? (record as TopicRecord) : { ...(record as TopicRecord), is: 'malformed' };
}

function decodeField(name: string, fields: FieldReader): Record<string, unknown> {
  if (name === PAYLOAD) {
    const isText = fields.varint() === Topic.PAYLOAD_TEXT;
    const bytes = fields.rest();
    return isText ? { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) } : { hex: hexOf(bytes) };
  }
  if (name === 'lost') return { lost: Topic.decodeLost(fields.varint()) ?? null };
  return { [name]: STRINGS.includes(name) ? fields.string(Topic.MAX_TOPIC_BYTES) : fields.varint() };
}

/** The batch with the record, in CHUNKs if it needs them. */
export function encodeTopicRecord(record: TopicRecord): Uint8Array {
  const plain = plainTopicRecord(record);
  const [subtype, ...names] = LAYOUTS[plain.is] as readonly [number, ...string[]];
  const values = names
    .filter((name) => name in plain)
    .map((name) => (name === 'lost' ? Topic.encodeLost((plain.lost as number | null) ?? undefined) : plain[name]));
  const message = 'text' in plain ? (plain.text as string) : 'hex' in plain ? bytesOf(plain.hex as string) : undefined;
  const fields = [subtype, plain.number, ...values] as (number | string)[];
  const body = Topic.encodeBody(fields, message === undefined ? undefined : Topic.encodePayload(message));
  const kind = plain.isTransient === true ? Kind.transient : Kind.topic;
  const batcher = new Batcher();
  for (const parts = new Fragmenter(body, kind); parts.remaining > 0; ) {
    const next = parts.kind(CHUNK_BYTES);
    batcher.body(next, parts.take(Math.min(CHUNK_BYTES, parts.remaining)));
  }
  return batcher.take().bytes;
}

/** The same form, with what is repeated written out. */
export function plainTopicRecord(record: TopicRecord): TopicRecord {
  const plain: Record<string, unknown> = { ...record };
  for (const name of ['topic', 'text', 'hex']) if (plain[name] !== undefined) plain[name] = textOf(plain[name] as VectorText);
  return plain as TopicRecord;
}
