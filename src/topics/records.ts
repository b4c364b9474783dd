import { utf8Length } from '../core/message-bytes.js';
import { invalid } from '../core/option-checks.js';
import { appendField } from '../session/controls.js';

// The records of topics: docs/protocol.md, section 15. Each begins with its subtype and the number of a request.

export const SUBSCRIBE = 1;
/** Ends a subscription, or leaves a presence. */
export const STOP = 2;
export const WINDOW = 3;
export const PUBLISH = 4;
export const JOIN = 5;
export const UPDATE = 6;
export const GRANTED = 16;
export const REFUSED = 17;
export const ENTRY = 18;
export const CONTINUITY = 19;
export const REVOKED = 20;
export const PUBLISHED = 21;
export const MEMBERS = 22;

/** Where a subscription begins: at the end of the log, at its first entry, or after a position. */
export const FROM_NOW = 0;
export const FROM_OLDEST = 1;
export const FROM_POSITION = 2;

/** What became of a position: none was given, it is of this log, or it is of another one. */
export const OUTCOME_NONE = 0;
export const OUTCOME_SAME_LOG = 1;
export const OUTCOME_OTHER_LOG = 2;

/** The bits of a MEMBERS record: it begins a snapshot of all members, and more records of that snapshot follow. */
export const SNAPSHOT = 1;
export const MORE = 2;

/** State of a member whose connections are all disconnected and may still be resumed. */
export const AWAY = 1;

/** The first byte of a payload; the bytes of the message follow. */
export const PAYLOAD_TEXT = 1;
export const PAYLOAD_BINARY = 2;

/** Longest name of a topic, in bytes of UTF-8. */
export const MAX_TOPIC_BYTES = 255;
export const MAX_POSITION_BYTES = 64;
export const MAX_ID_BYTES = 64;
/** Longest key of a member, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;
/** Largest data of a member, in bytes of JSON. */
export const MAX_DATA_BYTES = 4_096;

/** Why a request is refused. Its place here, counted from 1, is its number on the wire. */
export const REFUSALS = [
  'FORBIDDEN',
  'TOO_MANY_TOPICS',
  'MESSAGE_TOO_BIG',
  'BACKPLANE_DOWN',
  'BACKPLANE_BUSY',
  'BACKPLANE_FULL',
  'BACKPLANE_TIMEOUT',
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

/** What a message of a topic takes of its subscription's window beside its bytes, as in a session. */
const MESSAGE_COST = 32;

/** @param bytes the length of the payload. */
export function windowCost(bytes: number): number {
  return bytes + MESSAGE_COST;
}

/** Smallest window of a subscription. One message may exceed it. */
export const MIN_WINDOW_BYTES = 1_024;

/** The body of a record: numbers as varints, texts with their lengths, and a payload at the end. */
export function encodeBody(fields: readonly (number | string)[], payload?: Uint8Array): Uint8Array<ArrayBuffer> {
  const head: number[] = [];
  for (const field of fields) appendField(head, field);
  const body = new Uint8Array(head.length + (payload?.length ?? 0));
  body.set(head);
  if (payload !== undefined) body.set(payload, head.length);
  return body;
}

/** A message with its type before it. */
export function encodePayload(message: string | Uint8Array): Uint8Array<ArrayBuffer> {
  const isText = typeof message === 'string';
  const bytes = isText ? new TextEncoder().encode(message) : message;
  const payload = new Uint8Array(1 + bytes.length);
  payload[0] = isText ? PAYLOAD_TEXT : PAYLOAD_BINARY;
  payload.set(bytes, 1);
  return payload;
}

/** On the wire one more than the count, or 0 for undefined. */
export function encodeLost(lost: number | undefined): number {
  return lost === undefined ? 0 : lost + 1;
}

export function decodeLost(field: number): number | undefined {
  return field === 0 ? undefined : field - 1;
}

/** Control characters, and surrogates without their other half, which have no UTF-8. */
const NOT_IN_NAMES = /[\p{Cc}\p{Cs}]/u;

/** Whether a topic may have this name. */
export function isTopicName(name: unknown): name is string {
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= MAX_TOPIC_BYTES &&
    !NOT_IN_NAMES.test(name) &&
    utf8Length(name) <= MAX_TOPIC_BYTES
  );
}

/** @throws {WebsocketError} `INVALID_OPTION` */
export function checkTopic(name: unknown): string {
  if (isTopicName(name)) return name;
  throw invalid('topic', name);
}
