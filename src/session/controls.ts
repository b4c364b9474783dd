import { FieldReader, headerOf, writeVarint } from './codec.js';
import * as Kind from './record-kind.js';

/** Largest message that each side must be able to receive: a record, which is never cut, always fits. */
export const MIN_MESSAGE_BYTES = 16_384;

/** Session ids and secrets: 128 bits, which cannot be guessed. */
export const TOKEN_BYTES = 16;

/** Bounds of the application's subprotocols that a client may offer. */
export const MAX_PROTOCOLS = 32;
export const MAX_PROTOCOL_BYTES = 255;

/** Identify a session: the id may be shown, the secret never. */
export interface SessionCredentials {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** What each side of a new session announces. */
export interface Terms {
  /** Credit of the receiver of this at the beginning of the session. */
  readonly initialCredit: number;
  /** Largest message that the sender of this receives: 16,384 bytes at the least. */
  readonly maxMessageBytes: number;
  /** Bits of the extensions that the sender of this understands. An older peer announces none. */
  readonly features?: number | undefined;
}

export interface Offer extends Terms {
  readonly protocols: readonly string[];
}

/** The counts of one side; the other takes `received` as an acknowledgement. */
export interface Progress {
  /** Numbered records received. */
  readonly received: number;
  /** Messages numbered. */
  readonly messagesSent: number;
}

export type Hello = Offer & { readonly is: 'hello' };
export type Resume = SessionCredentials &
  Progress &
  Offer & {
    readonly is: 'resume';
    /** Counted from 1 in each session, so that one that arrives late is recognised. */
    readonly attempt: number;
  };
export type Resumed = Progress & { readonly is: 'resumed' };
export type Welcome = SessionCredentials &
  Terms & {
    readonly is: 'welcome';
    readonly resumeWindowMs: number;
    readonly outcome: number;
    /** Undefined when the server does not know. */
    readonly lost: number | undefined;
    readonly protocol: string;
  };
export interface Leave {
  readonly is: 'leave';
  readonly delayMs: number;
}
export interface UnknownControl {
  readonly is: 'unknown';
}
export type Control = Hello | Welcome | Resume | Resumed | Leave;

/** Result of a requested resume: docs/protocol.md, section 4. */
export const Outcome = { none: 0, unknown: 1, windowOver: 2, evicted: 3, ended: 4 } as const;

type Field = (fields: FieldReader) => unknown;
type Values = Record<string, unknown>;
/** Requires a field for each property of the type. */
type Layout<C> = Readonly<Record<Exclude<keyof C, 'is'>, Field>>;
type OldTerms = Omit<Terms, 'features'>;

const number: Field = (fields) => fields.varint();
const token: Field = (fields) => fields.bytes(TOKEN_BYTES);
const protocol = (fields: FieldReader): string => fields.string(MAX_PROTOCOL_BYTES);
/** On the wire one more than the count, or 0 for undefined. */
const lost: Field = (fields) => {
  const next = fields.varint();
  return next === 0 ? undefined : next - 1;
};

const credentials: Layout<SessionCredentials> = { id: token, secret: token };
const progress: Layout<Progress> = { received: number, messagesSent: number };
/** Later than the other fields, and so not in the records of an older peer. */
const features: Field = (fields) => (fields.isAtEnd ? undefined : fields.varint());
const terms: Layout<OldTerms> = { initialCredit: number, maxMessageBytes: (fields) => fields.varint(undefined, MIN_MESSAGE_BYTES) };
const offer: Layout<Offer> = {
  ...terms,
  protocols: (fields) => {
    const names: string[] = [];
    for (const count = fields.varint(MAX_PROTOCOLS); fields.isSound && names.length < count; ) names.push(protocol(fields));
    return names;
  },
  features,
};

/** The fields of each control record in the order of the wire. Its place here, counted from 1, is its type. */
const layouts: { readonly [C in Control as C['is']]: Layout<C> } = {
  hello: offer,
  welcome: { ...credentials, ...terms, resumeWindowMs: number, outcome: number, lost, protocol, features },
  resume: { ...credentials, attempt: number, ...progress, ...offer },
  resumed: progress,
  leave: { delayMs: number },
};
const types = Object.keys(layouts) as readonly Control['is'][];

/** The whole record, header included. */
export function encodeControl(control: Control): Uint8Array<ArrayBuffer> {
  const body = [types.indexOf(control.is) + 1];
  for (const [name, field] of Object.entries(layouts[control.is])) {
    const value = (control as unknown as Values)[name];
    if (field === lost) appendField(body, ((value as number | undefined) ?? -1) + 1);
    else if (value !== undefined) appendField(body, value);
  }
  const header: number[] = [];
  appendField(header, headerOf(Kind.control, body.length));
  return Uint8Array.of(...header, ...body);
}

/** Undefined when a field is missing or invalid. Bytes after the known fields are skipped. */
export function decodeControl(bytes: Uint8Array, start: number, end: number): Control | UnknownControl | undefined {
  const fields = new FieldReader(bytes, start, end);
  const is = types[fields.varint() - 1];
  const control: Values = { is: is ?? 'unknown' };
  if (is !== undefined) for (const [name, field] of Object.entries(layouts[is])) control[name] = field(fields);
  return fields.isSound ? (control as unknown as Control) : undefined;
}

/** Appends a number as a varint, bytes as they are, and a text or a list of texts with its length before it. */
export function appendField(body: number[], value: unknown): void {
  if (typeof value === 'number') writeVarint(body, body.length, value);
  else if (value instanceof Uint8Array) body.push(...value);
  else {
    // A string or a list of strings, preceded by its length.
    const counted = typeof value === 'string' ? new TextEncoder().encode(value) : (value as readonly string[]);
    appendField(body, counted.length);
    if (counted instanceof Uint8Array) appendField(body, counted);
    else for (const text of counted) appendField(body, text);
  }
}
