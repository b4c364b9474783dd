import { utf8Length } from '../core/utf8.js';
import { Fields } from './fields.js';
import { MAX_PROTOCOL_BYTES, MAX_PROTOCOLS, MIN_MESSAGE_BYTES, TOKEN_BYTES } from './limits.js';
import { headerSize, Kind, writeHeader } from './records.js';
import { varintSize, writeVarint } from './varint.js';

/** What a session is known by: the id may be shown, the secret never. */
export interface SessionCredentials {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** What each side of a new session announces. */
export interface Terms {
  /** How much the other side may spend at first: the limit of a new session. */
  readonly initialCredit: number;
  /** Largest message that the sender of this takes: 16,384 bytes at the least. */
  readonly maxMessageBytes: number;
}

export interface Offer extends Terms {
  readonly protocols: readonly string[];
}

/** How far a side has come; the other takes `received` as an acknowledgement. */
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
    /** Counted from 1 in each session: one that comes late is known by it. */
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

/** What came of a resume that was asked for: docs/protocol.md, section 4. */
export const Outcome = { none: 0, unknown: 1, windowOver: 2, evicted: 3, ended: 4 } as const;

const Type = { hello: 1, welcome: 2, resume: 3, resumed: 4, leave: 5 } as const;

/** The whole record, header included. */
export function encodeControl(control: Control): Uint8Array<ArrayBuffer> {
  const fields: (number | string | Uint8Array)[] = [Type[control.is], ...fieldsOf(control)];
  const length = fields.reduce<number>((sum, field) => sum + fieldSize(field), 0);
  const record = new Uint8Array(headerSize(length) + length);
  let at = writeHeader(record, 0, Kind.control, length);
  for (const field of fields) {
    if (typeof field === 'number') at = writeVarint(record, at, field);
    else if (typeof field === 'string') {
      at = writeVarint(record, at, utf8Length(field));
      at += new TextEncoder().encodeInto(field, record.subarray(at)).written;
    } else {
      record.set(field, at);
      at += field.length;
    }
  }
  return record;
}

/** Undefined when a field is missing or not what it should be. Bytes after the known fields are skipped. */
export function decodeControl(bytes: Uint8Array, start: number, end: number): Control | UnknownControl | undefined {
  const fields = new Fields(bytes, start, end);
  const control = readControl(fields.varint(), fields);
  return fields.isSound ? control : undefined;
}

function fieldSize(field: number | string | Uint8Array): number {
  if (typeof field === 'number') return varintSize(field);
  if (typeof field !== 'string') return field.length;
  const bytes = utf8Length(field);
  return varintSize(bytes) + bytes;
}

function fieldsOf(control: Control): (number | string | Uint8Array)[] {
  switch (control.is) {
    case 'hello':
      return offerFields(control);
    case 'welcome': {
      const { id, secret, initialCredit, maxMessageBytes, resumeWindowMs, outcome, lost, protocol } = control;
      return [id, secret, initialCredit, maxMessageBytes, resumeWindowMs, outcome, lost === undefined ? 0 : lost + 1, protocol];
    }
    case 'resume':
      return [control.id, control.secret, control.attempt, control.received, control.messagesSent, ...offerFields(control)];
    case 'resumed':
      return [control.received, control.messagesSent];
    case 'leave':
      return [control.delayMs];
  }
}

function offerFields({ initialCredit, maxMessageBytes, protocols }: Offer): (number | string)[] {
  return [initialCredit, maxMessageBytes, protocols.length, ...protocols];
}

function readControl(type: number, fields: Fields): Control | UnknownControl {
  switch (type) {
    case Type.hello:
      return { is: 'hello', ...readOffer(fields) };
    case Type.welcome:
      return readWelcome(fields);
    case Type.resume:
      return { is: 'resume', ...readCredentials(fields), attempt: fields.varint(), ...readProgress(fields), ...readOffer(fields) };
    case Type.resumed:
      return { is: 'resumed', ...readProgress(fields) };
    case Type.leave:
      return { is: 'leave', delayMs: fields.varint() };
    default:
      return { is: 'unknown' };
  }
}

// The order of the calls is the order of the fields on the wire.
function readWelcome(fields: Fields): Welcome {
  const credentials = readCredentials(fields);
  const terms = readTerms(fields);
  const [resumeWindowMs, outcome, lost] = [fields.varint(), fields.varint(), fields.varint()];
  const protocol = fields.string(MAX_PROTOCOL_BYTES);
  return { is: 'welcome', ...credentials, ...terms, resumeWindowMs, outcome, lost: lost === 0 ? undefined : lost - 1, protocol };
}

function readCredentials(fields: Fields): SessionCredentials {
  return { id: fields.bytes(TOKEN_BYTES), secret: fields.bytes(TOKEN_BYTES) };
}

function readProgress(fields: Fields): Progress {
  return { received: fields.varint(), messagesSent: fields.varint() };
}

function readTerms(fields: Fields): Terms {
  return { initialCredit: fields.varint(), maxMessageBytes: fields.varint(Number.MAX_SAFE_INTEGER, MIN_MESSAGE_BYTES) };
}

function readOffer(fields: Fields): Offer {
  const terms = readTerms(fields);
  const count = fields.varint(MAX_PROTOCOLS);
  const protocols: string[] = [];
  while (fields.isSound && protocols.length < count) protocols.push(fields.string(MAX_PROTOCOL_BYTES));
  return { ...terms, protocols };
}
