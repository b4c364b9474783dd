import { checkHas, checkName } from './option-checks.js';

type Listener = (...args: never[]) => void;

/** A listener each time that it was added, so that removing one entry leaves another of the same function. */
interface Entry {
  readonly listener: Listener;
}

/** The listeners by event name. */
export type Listeners<Events> = Readonly<Record<keyof Events & string, readonly Entry[]>>;

/**
 * Listeners by event name. An error that one throws goes to `failed`, and the others are still called.
 * Adding or removing a listener during an event takes effect with the next one.
 */
export class Emitter<Events extends { [name in keyof Events]: Listener }> {
  #listeners: Listeners<Events>;
  readonly #failed: (error: unknown, event: keyof Events) => void;

  /** @param none the event names that `on` takes, each without listeners. */
  constructor(none: Listeners<Events>, failed: (error: unknown, event: keyof Events) => void) {
    this.#listeners = none;
    this.#failed = failed;
  }

  /** @throws {WebsocketError} `INVALID_OPTION` for an event that does not exist, and a listener that is not a function. */
  on<E extends keyof Events & string>(event: E, listener: Events[E]): () => void {
    const name = typeof event === 'string' ? event : '';
    checkName(name, Object.keys(this.#listeners), 'event', event);
    checkHas('listener', listener, 'call');
    const entry: Entry = { listener };
    this.#listeners = { ...this.#listeners, [event]: [...this.#listeners[event], entry] };
    return () => {
      this.#listeners = { ...this.#listeners, [event]: this.#listeners[event].filter((other) => other !== entry) };
    };
  }

  has(event: keyof Events & string): boolean {
    return this.#listeners[event].length > 0;
  }

  emit<E extends keyof Events & string>(event: E, ...args: Parameters<Events[E]>): void {
    for (const { listener } of this.#listeners[event]) {
      try {
        listener(...(args as never[]));
      } catch (error) {
        this.#failed(error, event);
      }
    }
  }
}
