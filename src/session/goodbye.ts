import { isSendable } from '../core/close-codes.js';
import type { CloseInfo } from '../core/types.js';
import { utf8Length } from '../core/utf8.js';
import { decodeText } from './text.js';

/** What a control frame carries (RFC 6455, 5.5), so that whatever END says the close frame after it can say too. */
const MAX_BYTES = 125;

/** The body of END: code and reason as a close frame has them (RFC 6455, 5.5.1). */
export function encodeGoodbye(code: number, reason: string): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(2 + utf8Length(reason));
  body[0] = code >> 8;
  body[1] = code & 0xff;
  new TextEncoder().encodeInto(reason, body.subarray(2));
  return body;
}

/** Undefined when it says nothing that an endpoint may say. */
export function decodeGoodbye(body: Uint8Array, decoder: TextDecoder): CloseInfo | undefined {
  if (body.length < 2 || body.length > MAX_BYTES) return undefined;
  const code = ((body[0] as number) << 8) | (body[1] as number);
  const reason = decodeText(decoder, body.subarray(2));
  return reason === undefined || !isSendable(code) ? undefined : { code, reason, wasClean: true };
}
