import { type Clock, deadline } from '../core/clock.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { ServerClient } from './types.js';

/** What a client asks to do with a topic. */
export type TopicAction = 'subscribe' | 'publish' | 'presence';

/** A permission that ends. */
export interface Grant {
  /** From then on, what it permitted is revoked. Without it, the permission has no end. */
  readonly expiresAt?: Date | undefined;
}

/** Decides whether a client may do something with a topic. */
export type Authorize = (client: ServerClient, action: TopicAction, topic: string) => boolean | Grant | Promise<boolean | Grant>;

/** Asks the application for permission. Without its function, everything is forbidden. */
export class Authorization {
  readonly #authorize: Authorize | undefined;
  readonly #timeoutMs: number;
  readonly #report: (error: WebsocketError) => void;
  readonly #clock: Clock;

  constructor(authorize: Authorize | undefined, timeoutMs: number, report: (error: WebsocketError) => void, clock: Clock) {
    this.#authorize = authorize;
    this.#timeoutMs = timeoutMs;
    this.#report = report;
    this.#clock = clock;
  }

  /** Calls `decided` once: in this turn if the application answers at once, and at the deadline at the latest. Undefined: forbidden. */
  ask(client: ServerClient, action: TopicAction, topic: string, decided: (grant: Grant | undefined) => void): void {
    let answer: boolean | Grant | Promise<boolean | Grant> | undefined;
    try {
      answer = this.#authorize?.(client, action, topic);
    } catch (cause) {
      this.#failed(cause);
    }
    if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') this.#await(Promise.resolve(answer), decided);
    else decided(this.#grantOf(answer));
  }

  #await(answer: Promise<unknown>, decided: (grant: Grant | undefined) => void): void {
    let isDecided = false;
    const decide = (grant: Grant | undefined) => {
      if (isDecided) return;
      isDecided = true;
      cancel();
      decided(grant);
    };
    const cancel = deadline(this.#clock, this.#timeoutMs, () => decide(undefined));
    answer.then(
      (value) => decide(this.#grantOf(value)),
      (cause) => {
        this.#failed(cause);
        decide(undefined);
      },
    );
  }

  #failed(cause: unknown): void {
    this.#report(makeError('HANDLER_FAILED', { handler: 'authorize' }, cause));
  }

  /** Only true and an object permit something; a grant that has expired does not. */
  #grantOf(answer: unknown): Grant | undefined {
    if (answer === true) return {};
    if (typeof answer !== 'object' || answer === null) return undefined;
    const { expiresAt } = answer as Grant;
    if (expiresAt === undefined) return {};
    // A date that is invalid is no permission without an end.
    return expiresAt instanceof Date && expiresAt.getTime() > this.#clock.now() ? { expiresAt } : undefined;
  }
}
