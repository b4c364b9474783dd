import type { Target } from '../core/dialer.js';
import { attemptFailed, makeError, type WebsocketError } from '../core/errors.js';
import type { CloseInfo } from '../core/types.js';
import { type Deferred, deferred } from '../core/util.js';
import { type CarriedCause, type CarriedError, carry, type ToHub, unpack } from './posts.js';
import type { TabPort } from './tab-port.js';

interface Question {
  readonly ask: number;
  readonly tabPort: TabPort;
  readonly answer: Deferred<string>;
}

/** The hub's side: an attempt gets the fixed address of a tab, or asks a tab whose address is a function. */
export class AddressResolver {
  readonly #tabPorts: ReadonlySet<TabPort>;
  #asked = 0;
  #question: Question | undefined;
  /** The tab that was asked longest ago is asked next, because the one that was asked last may be frozen. */
  readonly #lastAsked = new WeakMap<TabPort, number>();
  #failure: { readonly error: WebsocketError; readonly tabPort: TabPort; readonly ask: number } | undefined;

  constructor(tabPorts: ReadonlySet<TabPort>) {
    this.#tabPorts = tabPorts;
  }

  address(): string | Promise<string> {
    for (const { join } of this.#tabPorts) if (join.address !== undefined) return join.address;
    const answer = deferred<string>();
    this.#ask(answer);
    return answer.promise;
  }

  answered(tabPort: TabPort, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    const question = this.#question;
    if (question?.ask !== answer.ask || question.tabPort !== tabPort) return;
    this.#question = undefined;
    if (answer.is === 'address') question.answer.resolve(answer.address);
    else {
      const error = unpack(answer.error);
      this.#failure = { error, tabPort, ask: answer.ask };
      question.answer.reject(error);
    }
  }

  /** If the tab that left was asked, another one is. */
  left(tabPort: TabPort): void {
    if (this.#question?.tabPort === tabPort) this.#ask(this.#question.answer);
  }

  /** The number of the question that this tab answered with the error; undefined for any other error. */
  askOf(tabPort: TabPort, error: unknown): number | undefined {
    return this.#failure?.error === error && this.#failure?.tabPort === tabPort ? this.#failure?.ask : undefined;
  }

  #ask(answer: Deferred<string>): void {
    const lastAsked = (tabPort: TabPort) => this.#lastAsked.get(tabPort) ?? 0;
    const [tabPort] = [...this.#tabPorts].sort((one, other) => lastAsked(one) - lastAsked(other));
    if (tabPort === undefined) {
      this.#question = undefined;
      answer.reject(makeError('CONNECT_FAILED', { step: 'address' }));
      return;
    }
    this.#asked += 1;
    this.#lastAsked.set(tabPort, this.#asked);
    this.#question = { ask: this.#asked, tabPort, answer };
    tabPort.post({ is: 'ask', ask: this.#asked });
  }
}

/** The tab's side: answers the hub, and replaces the copy of an error of its own by the original, which has the application's cause. */
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

  unpackCause(cause: CarriedCause): WebsocketError | CloseInfo {
    return 'info' in cause ? cause.info : this.unpack(cause.error);
  }
}
