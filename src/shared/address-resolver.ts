import { type Deferred, deferred } from '../core/deferred.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import { unpack } from './carried-error.js';
import type { ToHub } from './posts.js';
import type { TabPort } from './tab-port.js';

interface Question {
  readonly ask: number;
  readonly tabPort: TabPort;
  readonly answer: Deferred<string>;
}

/** Where an attempt gets its address: from a member that has a fixed one, or by asking one whose address is a function. */
export class AddressResolver {
  readonly #tabPorts: ReadonlySet<TabPort>;
  #asked = 0;
  #question: Question | undefined;
  /** Who has been asked: the one whose turn is farthest back is asked next, for this one may be frozen. */
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

  /** A question to who has left goes to another. */
  left(tabPort: TabPort): void {
    if (this.#question?.tabPort === tabPort) this.#ask(this.#question.answer);
  }

  /** The question whose failure this is, if it was this member's own. */
  askOf(tabPort: TabPort, error: unknown): number | undefined {
    return this.#failure?.error === error && this.#failure?.tabPort === tabPort ? this.#failure?.ask : undefined;
  }

  #ask(answer: Deferred<string>): void {
    const turn = (tabPort: TabPort) => this.#lastAsked.get(tabPort) ?? 0;
    const [tabPort] = [...this.#tabPorts].sort((one, other) => turn(one) - turn(other));
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
