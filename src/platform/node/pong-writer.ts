/** Pongs that may wait in the socket's buffer: 8 KB at most. No well-behaved peer sends so many pings. */
const MAX_WAITING = 64;

/** Unanswered pings since the last pong was written, beyond which the peer is hostile: more than one read of a socket holds. */
const MAX_SKIPPED = 65_536;

/** Longest payload of a control frame (RFC 6455, 5.5). */
const MAX_PING_BYTES = 125;

/** Writes a pong, and calls back when it is written. */
export type WritePong = (payload: Uint8Array, written: () => void) => void;

/**
 * Answers each ping with a pong. If many pongs wait to be written, because the peer floods or does not read, only the most recent ping
 * is answered, as RFC 6455 (5.5.3) allows: a burst neither fills the memory nor closes the connection. A peer that continues and reads
 * no pong is disconnected.
 */
export class PongWriter {
  readonly #write: WritePong;
  readonly #flooded: () => void;
  #waiting = 0;
  #skipped = 0;
  /** A copy of the payload to answer next, because the payload is a view into a chunk of the socket of 64 KiB or more. */
  #latest: Uint8Array | undefined;
  #latestBytes = 0;

  constructor(write: WritePong, flooded: () => void) {
    this.#write = write;
    this.#flooded = flooded;
  }

  answer(payload: Uint8Array): void {
    if (this.#waiting < MAX_WAITING) this.#send(payload);
    else this.#skip(payload);
  }

  #skip(payload: Uint8Array): void {
    this.#latest ??= new Uint8Array(MAX_PING_BYTES);
    this.#latest.set(payload);
    this.#latestBytes = payload.length;
    this.#skipped += 1;
    if (this.#skipped === MAX_SKIPPED) this.#flooded();
  }

  #send(payload: Uint8Array): void {
    this.#waiting += 1;
    this.#write(payload, () => {
      this.#waiting -= 1;
      this.#skipped = 0;
      if (this.#latest === undefined) return;
      const latest = this.#latest.subarray(0, this.#latestBytes);
      this.#latest = undefined;
      this.#send(latest);
    });
  }
}
