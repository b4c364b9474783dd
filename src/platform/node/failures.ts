import * as CloseCode from '../../core/close-code.js';
import { makeError, type WebsocketError } from '../../core/errors.js';

export function unreachable(address: string, cause: Error): WebsocketError {
  const systemCode = (cause as NodeJS.ErrnoException).code;
  return makeError('CONNECT_FAILED', systemCode === undefined ? { address } : { address, systemCode }, cause);
}

/** The close codes that RFC 6455 (7.4.1) gives what ws reports; other errors are the socket's, and its close tells. */
const CODE_OF: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CloseCode.invalidPayload,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CloseCode.messageTooBig,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CloseCode.messageTooBig,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CloseCode.policyViolation,
};

/** Errors of zlib, where the application asked for compression: the message could not be inflated. */
const ZLIB = /^Z_/;

/**
 * How large the message is that ws refuses, as far as its frames have announced it. ws keeps that to itself; undefined where
 * another version has no such field, and of a compressed message, whose size nobody announces.
 */
export function refusedSize(ws: object, maxMessageBytes = 0): number | undefined {
  const size = (ws as { _receiver?: { _totalPayloadLength?: unknown } })._receiver?._totalPayloadLength;
  return typeof size === 'number' && size > maxMessageBytes ? size : undefined;
}

/** What the peer did against the protocol, with the code that ws has closed it with. */
export function protocolError(
  cause: Error,
  maxMessageBytes: number | undefined,
  size?: number,
): { code: number; error: WebsocketError } | undefined {
  const code = closeCodeFor((cause as NodeJS.ErrnoException).code ?? '');
  if (code === undefined) return undefined;
  const hasTooManyPieces = code === CloseCode.policyViolation && maxMessageBytes !== undefined;
  const error =
    code === CloseCode.messageTooBig
      ? makeError('MESSAGE_TOO_BIG', { size, limit: maxMessageBytes, closeCode: code }, cause)
      : makeError('PROTOCOL_ERROR', hasTooManyPieces ? { closeCode: code, limit: maxMessageBytes } : { closeCode: code }, cause);
  return { code, error };
}

/** Undefined: the error is not about the protocol. */
function closeCodeFor(wsCode: string): number | undefined {
  if (ZLIB.test(wsCode)) return CloseCode.invalidPayload;
  return wsCode.startsWith('WS_ERR_') ? (CODE_OF[wsCode] ?? CloseCode.protocolError) : undefined;
}
