import * as CloseCode from './close-code.js';
import { makeError } from './errors.js';
import { utf8Length } from './message-bytes.js';
import type { CloseInfo } from './types.js';

/** A control frame carries 125 bytes, two of which are the code (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

const NEVER_BETTER: readonly number[] = [
  CloseCode.normal,
  CloseCode.protocolError,
  CloseCode.unsupportedData,
  CloseCode.invalidPayload,
  CloseCode.policyViolation,
  CloseCode.mandatoryExtension,
];

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
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CloseCode.noStatus && code !== CloseCode.abnormal;
}

/** The end of a connection without a closing handshake. */
export function abnormalClose(reason: string): CloseInfo {
  return { code: CloseCode.abnormal, reason, wasClean: false };
}
