import type { Clock } from './clock.js';
import type { ArrivalQueue } from './inbox.js';
import type { Rules } from './option-checks.js';
import type { Dial } from './transport.js';

/** Everything that a client needs from its runtime. Passed to each client, never registered globally. */
export interface Platform {
  readonly name: string;
  readonly dial: Dial;
  readonly clock: Clock;
  /** In [0, 1), for jitter and ids. Not for secrets. */
  readonly random: () => number;
  readonly lifecycle: Lifecycle;
  /**
   * Makes a function that calls back once the present turn of the event loop has ended, before any timer: messages that a session
   * sends in one turn leave together. Left out: a microtask, which runs earlier, for example at an `await` between two sends.
   */
  readonly makeEndOfTurn?: () => (call: () => void) => void;
  /** Bytes of a text in UTF-8. Left out: counted in JavaScript, which costs a server 14 % of its time with texts of 16 KiB. */
  readonly byteLength?: (text: string) => number;
  /** Makes the queue of messages that wait to be read. Left out: a `Queue`. */
  readonly makeInboxQueue?: () => ArrivalQueue;
  /** Writes an error without a listener to the log, so that it is not silent. */
  readonly report: (error: unknown) => void;
  /** Whether `ClientOptions.node` means anything here. */
  readonly acceptsNodeOptions: boolean;
  /** Rules of options that only some entries have. */
  readonly otherOptions?: Rules;
}

/** The life of the page or process around a client. */
export interface Lifecycle {
  /** Calls the listener until the returned function is called. */
  watch(listener: LifecycleListener): () => void;
  /** Whether a person sees the page, and waits for the connection. Left out: false. */
  isVisible?(): boolean;
}

export interface LifecycleListener {
  /** The page is hidden: close now and reconnect on `woken`. If it is hidden for good, a session can be ended. */
  suspended(isForGood?: boolean): void;
  /** The page is online again, shown, or restored: a good moment for an attempt, and to check the connection. */
  woken(): void;
  /** The process ends in this turn: send a close frame with 1001, synchronously. */
  exiting(): void;
}
