const MINUTE_MS = 60_000;

interface Topic {
  lines: number;
  more: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * Lines for the operator's log about what peers bring about. Each topic has a number of lines a minute; what goes beyond it is
 * counted, and the count has a line of its own when the minute is over.
 */
export class LimitedLog {
  readonly #write: (line: string) => void;
  readonly #topics = new Map<string, Topic>();

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  note(topic: string, linesPerMinute: number, line: () => string): void {
    const entry = this.#topics.get(topic) ?? this.#begin(topic);
    if (entry.lines === linesPerMinute) entry.more += 1;
    else {
      entry.lines += 1;
      this.#write(line());
    }
  }

  /** Writes the counts that wait for their minute. */
  close(): void {
    for (const topic of [...this.#topics.keys()]) this.#end(topic);
  }

  #begin(topic: string): Topic {
    const timer = setTimeout(() => this.#end(topic), MINUTE_MS);
    timer.unref();
    const entry: Topic = { lines: 0, more: 0, timer };
    this.#topics.set(topic, entry);
    return entry;
  }

  #end(topic: string): void {
    const entry = this.#topics.get(topic);
    this.#topics.delete(topic);
    clearTimeout(entry?.timer);
    if (entry !== undefined && entry.more > 0) this.#write(`${entry.more} more within a minute: ${topic}.`);
  }
}
