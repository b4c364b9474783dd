import WebSocket from 'isomorphic-ws';
import { GRACE_MS, MAX_GRACES } from '../../core/clock.js';
import * as CloseCode from '../../core/close-codes.js';
import { makeError, type WebsocketError } from '../../core/errors.js';

/** Gets the events of an open WebSocket of ws. */
export interface WebSocketOwner {
  message(data: Buffer, isBinary: boolean): void;
  pinged(payload: Buffer): void;
  ponged(): void;
  failed(cause: Error): void;
  ended(code: number, reason: Buffer): void;
  /** ws is about to write its close frame, which may be its own answer to the one of the peer. */
  flush(): void;
}

/** A WebSocket whose listeners are the same functions for all of its kind: thousands of connections need no closures of their own. */
export class OwnedWebSocket extends WebSocket {
  owner: WebSocketOwner | undefined;

  setOwner(owner: WebSocketOwner): void {
    this.owner = owner;
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('pong', onPong);
    this.on('error', onError);
    this.on('close', onClose);
  }

  override close(code?: number, reason?: string | Buffer): void {
    this.owner?.flush();
    super.close(code, reason);
  }
}

function ownerOf(ws: WebSocket): WebSocketOwner | undefined {
  return (ws as OwnedWebSocket).owner;
}

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  ownerOf(this)?.message(data, isBinary);
}

function onPing(this: WebSocket, payload: Buffer): void {
  ownerOf(this)?.pinged(payload);
}

function onPong(this: WebSocket): void {
  ownerOf(this)?.ponged();
}

function onError(this: WebSocket, cause: Error): void {
  ownerOf(this)?.failed(cause);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  ownerOf(this)?.ended(code, reason);
}

/**
 * Bounds of ws's receiver that count the pieces of one message, so that a message of many tiny ones costs no more than
 * one of its size may. They grow with maxMessageBytes; why these, with measurements, in docs/decisions/0012-pieces-of-a-message.md.
 */
const MIN_FRAGMENT_BYTES = 64;
const MIN_CHUNK_BYTES = 1_024;

/** The bounds for a small maxMessageBytes. */
const LEAST_FRAGMENTS = 16_384;
const LEAST_CHUNKS = 8_192;

/** ws keeps its bound in 32 bits. There 0 and an overflow mean no bound. */
const MAX_PAYLOAD = 2 ** 31 - 1;

export interface WsLimits {
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly closeTimeout: number;
  readonly autoPong: false;
}

export function wsLimits(maxMessageBytes: number, closeTimeoutMs: number): WsLimits {
  const maxPayload = Math.max(1, Math.min(Math.floor(maxMessageBytes), MAX_PAYLOAD));
  return {
    maxPayload,
    /** Frames of one message; ws holds each until the last one arrives. */
    maxFragments: Math.max(LEAST_FRAGMENTS, Math.ceil(maxPayload / MIN_FRAGMENT_BYTES)),
    /** Chunks that the socket delivered of one incomplete frame. */
    maxBufferedChunks: Math.max(LEAST_CHUNKS, Math.ceil(maxPayload / MIN_CHUNK_BYTES)),
    // When it is over, ws destroys the socket with its unread data. The connection's own timer is shorter and reads that data first.
    closeTimeout: 2 * closeTimeoutMs + MAX_GRACES * GRACE_MS,
    // With it ws drops a peer that sends 60 pings in one packet. PongWriter answers pings instead.
    autoPong: false,
  };
}

export function unreachable(address: string, cause: Error): WebsocketError {
  const systemCode = (cause as NodeJS.ErrnoException).code;
  return makeError('CONNECT_FAILED', systemCode === undefined ? { address } : { address, systemCode }, cause);
}

/** The close codes of RFC 6455 (7.4.1) for errors of ws. Other errors are the socket's, and its `close` event follows. */
const CODE_OF: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CloseCode.invalidPayload,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CloseCode.messageTooBig,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CloseCode.messageTooBig,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CloseCode.policyViolation,
};

/** Errors of zlib: with compression, a message that could not be inflated. */
const ZLIB = /^Z_/;

/**
 * The size of the message that ws refuses, as announced by the frames received so far. It is read from a private field of ws:
 * undefined if another version has no such field, and for a compressed message, whose size is not announced.
 */
export function refusedSize(ws: object, maxMessageBytes = 0): number | undefined {
  const size = (ws as { _receiver?: { _totalPayloadLength?: unknown } })._receiver?._totalPayloadLength;
  return typeof size === 'number' && size > maxMessageBytes ? size : undefined;
}

/** The peer's violation of the protocol, with the code that ws closed the connection with. Undefined for any other error. */
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

function closeCodeFor(wsCode: string): number | undefined {
  if (ZLIB.test(wsCode)) return CloseCode.invalidPayload;
  return wsCode.startsWith('WS_ERR_') ? (CODE_OF[wsCode] ?? CloseCode.protocolError) : undefined;
}
