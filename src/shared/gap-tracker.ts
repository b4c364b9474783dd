import type { Continuity } from '../core/types.js';
import type { ToTab } from './posts.js';

/** What messages of the connection this tab was there for, and so what it missed while it was away. */
export class GapTracker {
  #hasOpened = false;
  /** The connection may have gone on without this tab. */
  #wasAway = false;
  /** The row of messages that this tab is in, and how many of it there were. */
  #epoch = '';
  #received = 0;

  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  received(): void {
    this.#received += 1;
  }

  away(): void {
    this.#wasAway = this.#hasOpened;
  }

  /**
   * What the application is to be told of the messages since it last had a connection.
   *
   * @param returned how many of this tab's were on their way, and are handed back.
   */
  opened({ continuity, epoch, received }: ToTab & { is: 'opened' }, returned: number): Continuity {
    const missed = epoch === this.#epoch ? received - this.#received : undefined;
    const told = this.#wasAway ? afterAway(missed, returned) : continuity;
    this.#epoch = epoch;
    this.#received = received;
    this.#hasOpened = true;
    this.#wasAway = false;
    return told;
  }
}

/** @param missed undefined where nobody knows. */
function afterAway(missed: number | undefined, returned: number): Continuity {
  if (missed === undefined) {
    const reason = `This tab was away, and another connection began: ${returned} messages are handed back.`;
    return { resumed: false, replayed: 0, lost: undefined, reason };
  }
  const reason = `This tab was away, and the connection went on: ${missed} messages came meanwhile.`;
  return { resumed: missed === 0, replayed: 0, lost: missed, lostFromPeer: missed, reason };
}
