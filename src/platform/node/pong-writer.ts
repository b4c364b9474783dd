/** Pongs that may wait in the socket's buffer: 8 KB at most, and more than any peer sends that means no harm. */
const MAX_WAITING = 64;

/** Pings unanswered since a pong last left, after which the peer means harm: more than one read of a socket can bring. */
const MAX_SKIPPED = 65_536;

/** RFC 6455, 5.5: the payload of a control frame. */
const MAX_PING_BYTES = 125;

/** Writes a pong and calls back when it has left. */
export type WritePong = (payload: Uint8Array, written: () => void) => void;

/**
 * Answers pings. Each gets its pong, unless so many wait to be written that the peer is flooding or not reading: then
 * only the most recent ping is answered, as RFC 6455, 5.5.3, allows. So a burst neither fills memory nor ends anything;
 * a peer that goes on, and reads no pong, is given up.
 */
export class PongWriter {
  readonly #write: WritePong;
  readonly #flooded: () => void;
  #waiting = 0;
  #skipped = 0;
  /** A copy of the payload that is answered next: the payload itself is a view into what the socket delivered, 64 KiB and more. */
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
