type Listener = (...args: never[]) => void;

/**
 * Listeners by event name. One that throws is handed to `failed` and keeps no other from being called.
 * A listener that is added or taken off during an event counts from the next one on.
 */
export class Emitter<Events extends { [name in keyof Events]: Listener }> {
  readonly #listeners = new Map<keyof Events, readonly Listener[]>();
  readonly #failed: (error: unknown, event: keyof Events) => void;

  constructor(failed: (error: unknown, event: keyof Events) => void) {
    this.#failed = failed;
  }

  on<E extends keyof Events>(event: E, listener: Events[E]): () => void {
    // An entry of its own for each call, so that taking one off leaves another of the same function alone.
    const entry: Listener = (...args) => listener(...args);
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), entry]);
    return () => {
      const rest = (this.#listeners.get(event) ?? []).filter((other) => other !== entry);
      this.#listeners.set(event, rest);
    };
  }

  has(event: keyof Events): boolean {
    return (this.#listeners.get(event)?.length ?? 0) > 0;
  }

  emit<E extends keyof Events>(event: E, ...args: Parameters<Events[E]>): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const listener of listeners) {
      try {
        listener(...(args as never[]));
      } catch (error) {
        this.#failed(error, event);
      }
    }
  }
}
