/**
 * Bounds of ws's receiver that count pieces, not bytes. Its defaults (16,384 and 262,144) refuse legal messages in
 * tiny fragments; these take 4 MiB in fragments of 32 bytes. What a peer can make us hold stays bounded: by
 * maxPayload in bytes, and by these in objects of about 100 bytes each.
 */
const MAX_FRAGMENTS = 131_072;
const MAX_BUFFERED_CHUNKS = 262_144;

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
  return {
    maxPayload: Math.max(1, Math.min(Math.floor(maxMessageBytes), MAX_PAYLOAD)),
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_BUFFERED_CHUNKS,
    closeTimeout: closeTimeoutMs,
    // ws drops a peer that sends 60 pings in one packet; PongWriter answers them as RFC 6455 allows.
    autoPong: false,
  };
}
