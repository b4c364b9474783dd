import type { IWebsocketClient, Message } from 'gemsocket';

/*
 * A conversation of numbered messages that each side can check: what it hears must be 0, 1, 2, … in its right form.
 * The page and the test use the same; it is the script of the page.
 */

const BIG = 'x'.repeat(40_000);

/** Text and bytes in turns, and now and then what travels in chunks. */
function messageOf(number: number): Message {
  if (number % 400 === 0) return `${number}:${BIG}`;
  return number % 7 === 0 ? Uint8Array.from(String(number), (digit) => digit.charCodeAt(0)) : `${number}`;
}

/** The number of a message. */
export function numberOf(message: Message): number {
  return Number.parseInt(typeof message === 'string' ? message : String.fromCharCode(...message), 10);
}

function isSame(one: Message, other: Message): boolean {
  return typeof one === 'string' ? one === other : typeof other !== 'string' && String(one) === String(other);
}

export function send(client: IWebsocketClient, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    const message = messageOf(number);
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  }
}

/** What a client hears and is told, from now on. */
export class Log {
  /** Messages heard, right or wrong. */
  heard = 0;
  /** The first few that came where another was due. */
  readonly wrong: string[] = [];
  /** Events, but for messages and receipts. */
  readonly events: string[] = [];
  readonly receipts: { readonly resumed: boolean; readonly replayed: number; readonly lost: number | undefined }[] = [];
  /** The numbers of what came back. */
  readonly undelivered: number[] = [];

  constructor(client: IWebsocketClient) {
    client.on('message', (message) => {
      if (!isSame(message, messageOf(this.heard)) && this.wrong.length < 5) {
        this.wrong.push(`${String(message).slice(0, 20)} instead of ${this.heard}`);
      }
      this.heard += 1;
    });
    client.on('reconnecting', () => this.events.push('reconnecting'));
    client.on('reconnected', (receipt) => {
      this.events.push('reconnected');
      this.receipts.push(receipt);
    });
    client.on('undelivered', (messages) => {
      this.events.push('undelivered');
      this.undelivered.push(...messages.map(numberOf));
    });
    client.on('error', ({ code }) => this.events.push(code));
    client.on('close', ({ code }) => this.events.push(`close ${code}`));
  }
}
