/** Pongs that may wait in the socket's buffer: 8 KB at most, and more than any peer sends that means no harm. */
const MAX_WAITING = 64;

/** Pings unanswered since a pong last left, after which the peer means harm: more than one read of a socket can bring. */
const MAX_SKIPPED = 65_536;

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
  #latest: Uint8Array | undefined;

  constructor(write: WritePong, flooded: () => void) {
    this.#write = write;
    this.#flooded = flooded;
  }

  answer(payload: Uint8Array): void {
    if (this.#waiting < MAX_WAITING) this.#send(payload);
    else this.#skip(payload);
  }

  #skip(payload: Uint8Array): void {
    // A copy: the payload is a view into what the socket delivered, 64 KiB and more.
    this.#latest = payload.slice();
    this.#skipped += 1;
    if (this.#skipped === MAX_SKIPPED) this.#flooded();
  }

  #send(payload: Uint8Array): void {
    this.#waiting += 1;
    this.#write(payload, () => {
      this.#waiting -= 1;
      this.#skipped = 0;
      const latest = this.#latest;
      this.#latest = undefined;
      if (latest !== undefined) this.#send(latest);
    });
  }
}
