import type { Continuity } from '../core/types.js';
import type { ToTab } from './posts.js';

/** Counts the messages that this tab received, to report how many it missed while it was away. */
export class GapTracker {
  #hasOpened = false;
  /** The connection may have gone on without this tab. */
  #wasAway = false;
  /** The series of messages that this tab is in, and the offset in it. */
  #epoch = '';
  #offset = 0;

  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  received(): void {
    this.#offset += 1;
  }

  away(): void {
    this.#wasAway = this.#hasOpened;
  }

  /**
   * The receipt for the messages since the client was last open.
   *
   * @param returned how many messages of this tab were in transit and are handed back.
   */
  opened({ continuity, epoch, received }: ToTab & { is: 'opened' }, returned: number): Continuity {
    const missed = epoch === this.#epoch ? received - this.#offset : undefined;
    const receipt = this.#wasAway ? afterAway(missed, returned) : continuity;
    this.#epoch = epoch;
    this.#offset = received;
    this.#hasOpened = true;
    this.#wasAway = false;
    return receipt;
  }
}

/** @param missed undefined: unknown. */
function afterAway(missed: number | undefined, returned: number): Continuity {
  if (missed === undefined) {
    const reason = `This tab was away, and another connection began: ${returned} messages are handed back.`;
    return { resumed: false, replayed: 0, lost: undefined, reason };
  }
  const reason = `This tab was away, and the connection went on: ${missed} messages came meanwhile.`;
  return { resumed: missed === 0, replayed: 0, lost: missed, lostFromPeer: missed, reason };
}
