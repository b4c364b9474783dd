import { Batcher } from '../../../src/session/batcher.js';
import { FieldReader, RecordReader } from '../../../src/session/codec.js';
import { Fragmenter } from '../../../src/session/fragments.js';
import * as Kind from '../../../src/session/record-kind.js';
import * as Topic from '../../../src/topics/records.js';
import { bytesOf, hexOf, textOf, type VectorText } from './vectors.js';

/** A record of topics as the vectors write it. */
export type TopicRecord = Readonly<Record<string, unknown>> & { readonly is: string; readonly number: number };

interface VectorMember {
  readonly key: string;
  readonly connections: number;
  readonly state: number;
  readonly data: string;
}

const MAX_MEMBERS = 1_000;
const CHUNK_BYTES = 16_384;
const POSITION = 'position';
const PAYLOAD = 'payload';
const MEMBERS = 'members';

/** Subtype and fields of each record, after its number. Some may be missing: `hasField`. */
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
  join: [Topic.JOIN, 'observe', 'topic', 'data'],
  update: [Topic.UPDATE, 'data'],
  members: [Topic.MEMBERS, 'part', MEMBERS],
};
const STRINGS = ['id', 'topic', 'data', POSITION];

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
    if (hasField(record, name, fields)) Object.assign(record, decodeField(name, fields));
  }
  if (records.kind === Kind.transient) record.isTransient = true;
  return fields.isSound ? (record as TopicRecord) : { ...(record as TopicRecord), is: 'malformed' };
}

/** Some fields depend on an earlier one, and GRANTED of a presence has its feed only. */
function hasField({ is, start, observe, feed }: Readonly<Record<string, unknown>>, name: string, fields: FieldReader): boolean {
  if (is === 'subscribe' && name === POSITION) return start === Topic.FROM_POSITION;
  if (is === 'join' && name === 'data') return observe === 0;
  return !(fields.isAtEnd && (name === 'limit' || feed !== undefined));
}

function decodeField(name: string, fields: FieldReader): Record<string, unknown> {
  if (name === PAYLOAD) {
    const isText = fields.varint() === Topic.PAYLOAD_TEXT;
    const bytes = fields.rest();
    return isText ? { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) } : { hex: hexOf(bytes) };
  }
  if (name === MEMBERS) return { members: decodeMembers(fields) };
  if (name === 'lost') return { lost: Topic.decodeLost(fields.varint()) ?? null };
  return { [name]: STRINGS.includes(name) ? fields.string(Topic.MAX_TOPIC_BYTES) : fields.varint() };
}

function decodeMembers(fields: FieldReader): VectorMember[] {
  return Array.from({ length: fields.varint(MAX_MEMBERS) }, () => ({
    key: fields.string(Topic.MAX_KEY_BYTES),
    connections: fields.varint(),
    state: fields.varint(),
    data: fields.string(Topic.MAX_DATA_BYTES),
  }));
}

function encodeField(name: string, value: unknown): unknown {
  if (name === MEMBERS) return encodeMembers(value as readonly VectorMember[]);
  return name === 'lost' ? Topic.encodeLost((value as number | null) ?? undefined) : value;
}

function encodeMembers(members: readonly VectorMember[]): (number | string)[] {
  return [members.length, ...members.flatMap(({ key, connections, state, data }) => [key, connections, state, data])];
}

/** The batch with the record, in CHUNKs if it needs them. */
export function encodeTopicRecord(record: TopicRecord): Uint8Array {
  const plain = plainTopicRecord(record);
  const [subtype, ...names] = LAYOUTS[plain.is] as readonly [number, ...string[]];
  const values = names.filter((name) => name in plain).flatMap((name) => encodeField(name, plain[name]));
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
