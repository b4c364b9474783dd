import { makeError } from './errors.js';
import { utf8Length } from './message-bytes.js';
import type { CloseInfo } from './types.js';

// By their names in RFC 6455, section 7.4.1, and IANA's registry; as constants of their own they leave no names behind in a bundle.

export const normal = 1000;
export const goingAway = 1001;
export const protocolError = 1002;
export const unsupportedData = 1003;
export const noStatus = 1005;
export const abnormal = 1006;
export const invalidPayload = 1007;
export const policyViolation = 1008;
export const messageTooBig = 1009;
export const mandatoryExtension = 1010;
export const tryAgainLater = 1013;

/** Ours, of the private range, as HTTP's 401: the server ends the connections of a user. */
export const unauthorized = 4401;

/** Ours, of the private range: the reader stopped and its inbox is full. */
export const inboxFull = 4408;

/** The session went on with a newer socket: docs/protocol.md, section 12. */
export const takenOver = 4409;

/** A control frame carries 125 bytes, two of which are the code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

const NEVER_BETTER: readonly number[] = [normal, protocolError, unsupportedData, invalidPayload, policyViolation, mandatoryExtension];

/**
 * Whether another attempt can help. It cannot after 1000, which means that the purpose of the connection is fulfilled, and
 * after codes that the same bytes would cause again. 4400-4499 correspond to HTTP's 4xx: the client has to change something.
 */
export function canReconnectAfter(code: number): boolean {
  return !NEVER_BETTER.includes(code) && !(code >= 4400 && code <= 4499);
}

/** Throws for a code that no endpoint may send, and for a reason that is no string or too long for a close frame (RFC 6455, 5.5). */
export function checkClose(code: number, reason: string): void {
  if (!isSendable(code)) throw makeError('INVALID_CLOSE', { code });
  const size = typeof reason === 'string' ? utf8Length(reason) : Number.NaN;
  if (!(size <= MAX_REASON_BYTES)) throw makeError('INVALID_CLOSE', { size, limit: MAX_REASON_BYTES });
}

/** Cuts a reason to the length of a close frame: one that is made from an error may be longer. */
export function fittingReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}

/** Whether an endpoint may send the code in a close frame (RFC 6455, 7.4). */
export function isSendable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== noStatus && code !== abnormal;
}

/** The end of a connection without a closing handshake. */
export function abnormalClose(reason: string): CloseInfo {
  return { code: abnormal, reason, wasClean: false };
}
