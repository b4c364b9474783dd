/** Missing numbers may still arrive late. Above this number the oldest count as lost. */
const MAX_MISSING = 10_000;
/** A number farther ahead than this is invalid, and not a sign of loss. */
const MAX_STEP = 10_000;

/**
 * Counts messages that are numbered from 1, at their receiver. A skipped number is lost, unless it arrives later: then it is out
 * of order.
 */
export class Tally {
  #highest = 0;
  #received = 0;
  #duplicated = 0;
  #disordered = 0;
  #givenUp = 0;
  #missing = new Set();

  take(message) {
    const number = /^\d{1,9}$/.test(message) ? Number(message) : 0;
    if (number === 0 || number > this.#highest + MAX_STEP) return;
    if (number > this.#highest) this.#advance(number);
    else if (this.#missing.delete(number)) this.#disordered += 1;
    else {
      this.#duplicated += 1;
      return;
    }
    this.#received += 1;
  }

  /** `highest` is the sum of `received` and `lost`. */
  get counts() {
    return {
      highest: this.#highest,
      received: this.#received,
      lost: this.#missing.size + this.#givenUp,
      duplicated: this.#duplicated,
      disordered: this.#disordered,
    };
  }

  #advance(number) {
    for (let missing = this.#highest + 1; missing < number; missing++) this.#missing.add(missing);
    this.#highest = number;
    for (const oldest of this.#missing) {
      if (this.#missing.size <= MAX_MISSING) break;
      this.#missing.delete(oldest);
      this.#givenUp += 1;
    }
  }
}
