import type { NodeTag, Sink } from './backplane.js';

/** One node's watch of one topic. */
export interface Watch {
  readonly node: NodeTag;
  readonly sink: Sink;
  /** 0: nothing is pushed any more. */
  count: number;
}

/** The watches of each topic. A list is replaced, never changed: a push goes to the nodes that watched when it was made. */
export class Watches {
  readonly #topics = new Map<string, readonly Watch[]>();

  of(topic: string): readonly Watch[] | undefined {
    return this.#topics.get(topic);
  }

  add(topic: string, watch: Watch): void {
    this.#topics.set(topic, [...(this.#topics.get(topic) ?? []), watch]);
  }

  remove(topic: string, watch: Watch): void {
    watch.count = 0;
    const rest = this.#topics.get(topic)?.filter((other) => other !== watch) ?? [];
    if (rest.length > 0) this.#topics.set(topic, rest);
    else this.#topics.delete(topic);
  }
}
