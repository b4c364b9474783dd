import * as Kind from './record-kind.js';

/** Cost of a message beside its bytes: empty messages take memory, too. */
const MESSAGE_COST = 32;

/**
 * Smallest receive window. Three quarters of it hold the largest record, and at most a quarter of a window is withheld, so that
 * a sender always gets the credit for its next record.
 */
export const MIN_WINDOW_BYTES = 32_768;

/** Credit that a numbered record costs; other records cost nothing. */
export function costOf(kind: number, length: number): number {
  if (kind === Kind.chunk) return length;
  return kind === Kind.end ? 0 : length + MESSAGE_COST;
}

/** The credit of this side. Both figures are sums since the session began. */
export class SendCredit {
  #limit = 0;
  #spent = 0;

  get available(): number {
    return this.#limit - this.#spent;
  }

  spend(cost: number): void {
    this.#spent += cost;
  }

  /** Ignores a limit that is lower than an earlier one. */
  grant(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
  }

  /** A new session. */
  reset(limit: number): void {
    this.#limit = limit;
    this.#spent = 0;
  }
}

/**
 * The credit granted to the peer: a receive window beyond the messages that the application has read. The fragments of an incomplete
 * message do not count against the window, because a message larger than the window could never be completed.
 */
export class ReceiveCredit {
  readonly #windowBytes: number;
  #received = 0;
  /** Outlives a session, as delivered and unread messages do. */
  #unread = 0;
  #announced = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  get #limit(): number {
    return this.#received + this.initial;
  }

  /** The limit for a new session. */
  get initial(): number {
    return Math.max(0, this.#windowBytes - this.#unread);
  }

  /** False if the peer exceeds its credit. */
  receive(cost: number): boolean {
    this.#received += cost;
    return this.#received <= this.#announced;
  }

  /** A message was delivered to the inbox. */
  deliver(bytes: number): void {
    this.#unread += bytes + MESSAGE_COST;
  }

  consume(bytes: number): void {
    this.#unread -= bytes + MESSAGE_COST;
  }

  /** Cost of the unread messages. */
  get unread(): number {
    return this.#unread;
  }

  /** Whether the application is a whole window behind. */
  get isBehind(): boolean {
    return this.#unread >= this.#windowBytes;
  }

  /** Whether the new credit is worth a batch of its own. Withholding more could stop a sender for good: see `MIN_WINDOW_BYTES`. */
  get isOwed(): boolean {
    return this.#limit - this.#announced >= this.#windowBytes / 4;
  }

  /** Whether the new credit is worth a record in a batch that is sent anyway. */
  get isUseful(): boolean {
    return this.#limit - this.#announced >= this.#windowBytes / 16;
  }

  /** The limit to announce now. */
  announce(): number {
    this.#announced = Math.max(this.#announced, this.#limit);
    return this.#announced;
  }

  /** A new session, of which this limit was announced. */
  reset(announced: number): void {
    this.#received = 0;
    this.#announced = announced;
  }
}
