import { WebsocketError } from '../../core/errors.js';
import { type Settler, settler } from '../../core/settler.js';
import { unpack } from './carried-error.js';
import type { Member } from './member.js';
import type { ToHub } from './posts.js';

interface Question {
  readonly ask: number;
  readonly member: Member;
  readonly answer: Settler<string>;
}

/** Where an attempt gets its address: from a member that has a fixed one, or by asking one whose address is a function. */
export class AddressDesk {
  readonly #members: ReadonlySet<Member>;
  #asked = 0;
  #question: Question | undefined;
  /** Who has been asked: the one whose turn is farthest back is asked next, for this one may be frozen. */
  readonly #lastAsked = new WeakMap<Member, number>();
  #failure: { readonly error: WebsocketError; readonly member: Member; readonly ask: number } | undefined;

  constructor(members: ReadonlySet<Member>) {
    this.#members = members;
  }

  address(): string | Promise<string> {
    for (const { join } of this.#members) if (join.address !== undefined) return join.address;
    const answer = settler<string>();
    this.#ask(answer);
    return answer.promise;
  }

  answered(member: Member, answer: ToHub & { is: 'address' | 'noAddress' }): void {
    const question = this.#question;
    if (question?.ask !== answer.ask || question.member !== member) return;
    this.#question = undefined;
    if (answer.is === 'address') question.answer.resolve(answer.address);
    else {
      const error = unpack(answer.error);
      this.#failure = { error, member, ask: answer.ask };
      question.answer.reject(error);
    }
  }

  /** A question to who has left goes to another. */
  left(member: Member): void {
    if (this.#question?.member === member) this.#ask(this.#question.answer);
  }

  /** The question whose failure this is, if it was this member's own. */
  askOf(member: Member, error: unknown): number | undefined {
    return this.#failure?.error === error && this.#failure?.member === member ? this.#failure?.ask : undefined;
  }

  #ask(answer: Settler<string>): void {
    const turn = (member: Member) => this.#lastAsked.get(member) ?? 0;
    const [member] = [...this.#members].sort((one, other) => turn(one) - turn(other));
    if (member === undefined) {
      this.#question = undefined;
      answer.reject(new WebsocketError('CONNECT_FAILED', 'No tab was left to ask for the address.', {}));
      return;
    }
    this.#asked += 1;
    this.#lastAsked.set(member, this.#asked);
    this.#question = { ask: this.#asked, member, answer };
    member.post({ is: 'ask', ask: this.#asked });
  }
}
