import { readFileSync } from 'node:fs';
import { Batcher } from '../../../src/session/batcher.js';
import { FieldReader, RecordReader } from '../../../src/session/codec.js';
import { type Control, decodeControl, encodeControl, type UnknownControl } from '../../../src/session/controls.js';
import * as Kind from '../../../src/session/record-kind.js';

type Part = string | { readonly repeat: string; readonly times: number };
export type VectorBytes = Part | readonly Part[];
export type VectorText = VectorBytes;

export interface VectorRecord {
  readonly kind: number;
  readonly text?: Part;
  readonly hex?: Part;
  readonly count?: number;
  readonly control?: Readonly<Record<string, unknown>>;
}

export function vectors<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as T[];
}

export function textOf(vector: VectorText): string {
  const parts = Array.isArray(vector) ? (vector as readonly Part[]) : [vector as Part];
  return parts.map(expand).join('');
}

export function bytesOf(vector: VectorBytes): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(textOf(vector).replaceAll(' ', ''), 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function expand(part: Part): string {
  return typeof part === 'string' ? part : part.repeat.repeat(part.times);
}

/** The records of a batch as the vectors write them, or what is wrong with it. */
export function describeBatch(batch: Uint8Array): VectorRecord[] | string {
  const records = new RecordReader(batch);
  const described: VectorRecord[] = [];
  while (records.next()) described.push(describeRecord(records));
  return records.fault ?? described;
}

function describeRecord({ kind, batch, start, end }: RecordReader): VectorRecord {
  const body = batch.subarray(start, end);
  if (kind === Kind.ack || kind === Kind.credit) return { kind, count: new FieldReader(batch, start, end).varint() };
  if (kind === Kind.control) return { kind, control: describeControl(decodeControl(batch, start, end)) };
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
  const isText = (kind === Kind.text || kind === Kind.volatileText) && hexOf(new TextEncoder().encode(text)) === hexOf(body);
  return isText ? { kind, text } : { kind, hex: hexOf(body) };
}

function describeControl(control: Control | UnknownControl | undefined): Record<string, unknown> {
  const entries = Object.entries(control ?? { is: 'malformed' }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, value instanceof Uint8Array ? hexOf(value) : value]));
}

/** The same form, with what is repeated written out. */
export function plainRecord(record: VectorRecord): VectorRecord {
  const plain: Record<string, unknown> = { ...record };
  if (record.text !== undefined) plain.text = expand(record.text);
  if (record.hex !== undefined) plain.hex = expand(record.hex);
  return plain as unknown as VectorRecord;
}

export function encodeRecords(records: readonly VectorRecord[]): Uint8Array {
  const batcher = new Batcher();
  for (const record of records) encodeRecord(batcher, plainRecord(record));
  return batcher.take().bytes;
}

function encodeRecord(batcher: Batcher, { kind, text, hex, count, control }: VectorRecord): void {
  if (count !== undefined) batcher.number(kind, count);
  else if (control !== undefined) batcher.control(encodeControl(controlOf(control)));
  else if (text === undefined) batcher.body(kind, bytesOf(hex ?? ''));
  else batcher.text(kind, text as string, new TextEncoder().encode(text as string).length);
}

function controlOf(control: Readonly<Record<string, unknown>>): Control {
  const bytes = (key: string) => (key in control ? { [key]: bytesOf(control[key] as string) } : {});
  return { lost: undefined, ...control, ...bytes('id'), ...bytes('secret') } as unknown as Control;
}
