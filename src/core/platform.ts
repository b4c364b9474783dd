import type { Clock } from './clock.js';
import type { ArrivalQueue } from './inbox.js';
import type { Rules } from './option-checks.js';
import type { Dial } from './transport.js';

/** All that a client needs from where it runs. Handed to each client, never registered globally. */
export interface Platform {
  readonly name: string;
  readonly dial: Dial;
  readonly clock: Clock;
  /** In [0, 1), for jitter and ids. Not for secrets. */
  readonly random: () => number;
  readonly lifecycle: Lifecycle;
  /**
   * Makes what calls back once when the present turn of the event loop has ended, before any timer: what a session
   * sends in one turn leaves together. Left out: a microtask, which ends sooner, as an `await` between two sends shows.
   */
  readonly makeEndOfTurn?: () => (call: () => void) => void;
  /** Makes the queue of messages that wait to be read. Left out: a `Queue`. */
  readonly makeInboxQueue?: () => ArrivalQueue;
  /** Where an error goes that nobody listens for, so that it is not silent. */
  readonly report: (error: unknown) => void;
  /** Whether `ClientOptions.node` means anything here. */
  readonly acceptsNodeOptions: boolean;
  /** Rules of options that only some entries have. */
  readonly otherOptions?: Rules;
}

/** The life of the page or process around a client. */
export interface Lifecycle {
  /** Tells the listener until the returned function is called. */
  watch(listener: LifecycleListener): () => void;
  /** Whether a person sees the page, and so waits for a connection that is away. Left out: nobody does. */
  isVisible?(): boolean;
}

export interface LifecycleListener {
  /** The page is put away: close now, come back on `woken`; where it is for good, a session can be ended. */
  suspended(isForGood?: boolean): void;
  /** Back online, shown again, or restored: a good moment to try, and to doubt the link. */
  woken(): void;
  /** The process ends in this turn: say goodbye with 1001, synchronously. */
  exiting(): void;
}
