import type { Client } from '../../../src/core/client.js';
import { WebsocketError } from '../../../src/core/errors.js';
import type { Message } from '../../../src/core/types.js';
import { readAll } from './world.js';

/** What an application does by itself, in the very call that tells it something. */
export interface Habits {
  /** It has a listener for messages, and does not wait until the schedule says that it reads. */
  readonly listens: boolean;
  /** It answers one in so many; 0: none. */
  readonly answersEvery: number;
  /** It closes with the message, or the return, of this number; 0: it does not. */
  readonly closesWithMessage: number;
  readonly closesWithReturn: number;
  /** It sends something else when messages come back to it. */
  readonly sendsAgain: boolean;
}

export const none: Habits = { listens: false, answersEvery: 0, closesWithMessage: 0, closesWithReturn: 0, sendsAgain: false };

/** What a send may be refused with: refused with a name is not lost. */
const REFUSALS = ['OUTBOX_FULL', 'NOT_OPEN'];

/** One application on its end of a session: what it has sent, what it has read, and what came back to it. */
export class Application {
  readonly sent: string[] = [];
  readonly read: string[] = [];
  readonly undelivered: string[] = [];
  /** Volatile messages that arrived, apart: they may be lost. */
  readonly heard: string[] = [];
  /** Whether the session went on, for every reconnect. */
  readonly receipts: boolean[] = [];
  readonly end: Client;
  readonly #name: string;
  readonly #habits: Habits;
  #said = 0;

  constructor(name: string, end: Client, habits = none) {
    this.#name = name;
    this.end = end;
    this.#habits = habits;
    end.on('reconnected', ({ resumed }) => this.#returned(resumed));
    end.on('undelivered', (messages) => this.#cameBack(messages));
    if (habits.listens) end.on('message', (message) => this.#received(message));
  }

  send(bytes: number, isText: boolean): void {
    const text = `${this.#name} ${this.sent.length} `.padEnd(bytes, isText ? 'ä' : '.');
    // What is sent after the peer has ended the connection is reported as unsent.
    const isTooLate = this.end.state === 'closing' || this.end.state === 'closed';
    const isTaken = tryTo(() => {
      if (isText) this.end.sendMessage(text);
      else this.end.sendMessageBinary(new TextEncoder().encode(text));
    });
    if (isTaken && !isTooLate) this.sent.push(isText ? text : `${text} in binary`);
  }

  sendVolatile(): void {
    tryTo(() => this.end.sendMessage(`volatile ${this.#name} ${this.#said}`, 'volatile'));
    this.#said += 1;
  }

  take(max?: number): number {
    const messages = readAll(this.end, max);
    for (const message of messages) this.#note(message);
    return messages.length;
  }

  /** What it has read of the other's. */
  readOf(other: Application): string[] {
    return this.read.filter((message) => message.startsWith(`${other.#name} `));
  }

  #note(message: Message): void {
    const text = nameOf(message);
    (text.startsWith('volatile ') ? this.heard : this.read).push(text);
  }

  #received(message: Message): void {
    this.#note(message);
    const { answersEvery, closesWithMessage } = this.#habits;
    const count = this.read.length + this.heard.length;
    if (answersEvery > 0 && count % answersEvery === 0) this.send(50, true);
    if (count === closesWithMessage) void this.end.close(1000, 'read enough');
  }

  /** In the very call that tells of the new wire, before anything is sent again. */
  #returned(resumed: boolean): void {
    this.receipts.push(resumed);
    this.send(10, true);
    if (this.receipts.length === this.#habits.closesWithReturn) void this.end.close(1000, 'came back to close');
  }

  #cameBack(messages: readonly Message[]): void {
    this.undelivered.push(...messages.map(nameOf));
    if (this.#habits.sendsAgain) this.send(20, false);
  }
}

function tryTo(send: () => void): boolean {
  try {
    send();
    return true;
  } catch (error) {
    if (error instanceof WebsocketError && REFUSALS.includes(error.code)) return false;
    throw error;
  }
}

function nameOf(message: Message): string {
  return typeof message === 'string' ? message : `${new TextDecoder().decode(message)} in binary`;
}
