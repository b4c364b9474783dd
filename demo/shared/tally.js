/** Numbers that are missing may still come, late. Of more than these the oldest are given up. */
const MAX_MISSING = 10_000;
/** A number so far ahead of all before it tells of no loss: it is nonsense. */
const MAX_STEP = 10_000;

/**
 * What became of messages that are numbered from 1, as their receiver sees it. A number that is passed over is lost,
 * unless it comes later after all: then it is out of order.
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

  /** `highest` and what came up to it: `received` and `lost` together. */
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
