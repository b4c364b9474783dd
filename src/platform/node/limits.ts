import { GRACE_MS, MAX_GRACES } from '../../core/clock.js';

/**
 * Bounds of ws's receiver that count the pieces of one message, so that a message of many tiny ones costs no more than
 * one of its size may. They grow with maxMessageBytes; why these, with measurements, in docs/decisions/0012-pieces-of-a-message.md.
 */
const MIN_FRAGMENT_BYTES = 64;
const MIN_CHUNK_BYTES = 1_024;

/** In so many pieces any message may come, however small they are. */
const LEAST_FRAGMENTS = 16_384;
const LEAST_CHUNKS = 8_192;

/** ws keeps its bound in 32 bits, where 0 and what overflows mean none; it is never to have none. */
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
    /** Frames of one message, each held until the last has come. */
    maxFragments: Math.max(LEAST_FRAGMENTS, Math.ceil(maxPayload / MIN_FRAGMENT_BYTES)),
    /** What the socket delivered of one frame, piece by piece, and which is no whole frame yet. */
    maxBufferedChunks: Math.max(LEAST_CHUNKS, Math.ceil(maxPayload / MIN_CHUNK_BYTES)),
    // ws destroys the socket and what lies unread in it; its owner waits for less, and reads that first.
    closeTimeout: 2 * closeTimeoutMs + MAX_GRACES * GRACE_MS,
    // ws drops a peer that sends 60 pings in one packet; PongWriter answers them as RFC 6455 allows.
    autoPong: false,
  };
}
