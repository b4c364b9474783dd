/** Pongs that may wait in the socket's buffer: 8 KB at most, and more than any peer sends that means no harm. */
const MAX_WAITING = 64;

/** Writes a pong and calls back when it has left. */
export type WritePong = (payload: Uint8Array, written: () => void) => void;

/**
 * Answers pings. Each gets its pong, unless so many wait to be written that the peer is flooding or not reading: then
 * only the most recent ping is answered, as RFC 6455, 5.5.3, allows. So a flood neither fills memory nor ends anything.
 */
export class PongWriter {
  readonly #write: WritePong;
  #waiting = 0;
  #latest: Uint8Array | undefined;

  constructor(write: WritePong) {
    this.#write = write;
  }

  answer(payload: Uint8Array): void {
    if (this.#waiting < MAX_WAITING) this.#send(payload);
    // A copy: the payload is a view into what the socket delivered, 64 KiB and more.
    else this.#latest = payload.slice();
  }

  #send(payload: Uint8Array): void {
    this.#waiting += 1;
    this.#write(payload, () => {
      this.#waiting -= 1;
      const latest = this.#latest;
      this.#latest = undefined;
      if (latest !== undefined) this.#send(latest);
    });
  }
}
