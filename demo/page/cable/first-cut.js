import { byId, reducedMotion } from '../dom.js';
import { watchSight } from '../sight.js';

/** Long enough to see both counters change, short enough that the visitor has not left. */
const WAIT_MS = 3_000;

/** Cuts the cable once automatically, so that a visitor sees a disconnect and the resumption without a click. */
export class FirstCut {
  #cut;
  #dueAt;
  #isOver = false;
  #isSeen = false;

  constructor(cut) {
    this.#cut = cut;
    watchSight(byId('cable-drawing'), (isSeen) => {
      this.#isSeen = isSeen;
    });
  }

  /** The milliseconds until the cut, counted while the cable is in view and ready; undefined if there will be no cut. */
  advance(isReady) {
    if (this.#isOver || !isReady || !this.#isSeen || reducedMotion.matches || document.hidden) {
      this.#dueAt = undefined;
      return undefined;
    }
    this.#dueAt ??= performance.now() + WAIT_MS;
    const leftMs = this.#dueAt - performance.now();
    if (leftMs > 0) return leftMs;
    this.cancel();
    this.#cut();
    return undefined;
  }

  /** The visitor has taken over. */
  cancel() {
    this.#isOver = true;
  }
}
