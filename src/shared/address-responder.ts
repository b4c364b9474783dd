import type { Target } from '../core/dialer.js';
import type { WebsocketError } from '../core/errors.js';
import { attemptFailed } from '../core/errors.js';
import { type CarriedError, carry, unpack } from './carried-error.js';
import type { ToHub } from './posts.js';

/** Answers the hub that asks for an address, and knows its own failures again: only they have the application's cause. */
export class AddressResponder {
  readonly #target: Target;
  #failure: { readonly ask: number; readonly error: WebsocketError } | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  async to(ask: number): Promise<ToHub> {
    try {
      const { href } = await this.#target();
      return { is: 'address', ask, address: href };
    } catch (cause) {
      const error = attemptFailed('address', cause);
      this.#failure = { ask, error };
      return { is: 'noAddress', ask, error: carry(error, ask) };
    }
  }

  unpack(error: CarriedError): WebsocketError {
    const own = this.#failure;
    return own !== undefined && own.ask === error.ask ? own.error : unpack(error);
  }
}
