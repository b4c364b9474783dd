import type {
  BackplaneFault,
  Bytes,
  Entry,
  Keep,
  MemberPart,
  NodeBackplane,
  NodeMembers,
  NodeTag,
  Page,
  Position,
  Sink,
  Version,
  Versioned,
} from '../../../src/backplane/backplane.js';
import { BackplaneError } from '../../../src/backplane/backplane.js';

/** An entry of a log, in the order of the log. */
export interface Logged {
  readonly position: Position;
  readonly text: string;
}

const text = (payload: Bytes): string => new TextDecoder().decode(payload.subarray(1));

/** A backplane that keeps a record of every log, and fails as the test says. */
export class FaultyBackplane implements NodeBackplane {
  readonly name = 'faulty';
  /** Every entry that was ever published, whatever the log keeps. */
  readonly logs = new Map<string, Logged[]>();
  /** Watches that are not ended. */
  watching = 0;
  /** Entries that are published and never pushed. */
  pushesToDrop = 0;
  /** Pushes wait until this is false again. */
  #isDelayed = false;
  readonly #delayed: (() => void)[] = [];
  readonly #faults: Record<'publish' | 'read' | 'watch', BackplaneFault[]> = { publish: [], read: [], watch: [] };
  readonly #inner: NodeBackplane;
  /** A log that is lost is one of another name. */
  #generation = 0;
  #sink: Sink | undefined;
  readonly #watched = new Map<string, { count: number; ends: (() => void)[] }>();

  constructor(inner: NodeBackplane) {
    this.#inner = inner;
  }

  /** The next calls fail. One with 'timeout' has been done. */
  fail(call: 'publish' | 'read' | 'watch', faults: readonly BackplaneFault[]): void {
    this.#faults[call].push(...faults);
  }

  endFaults(): void {
    for (const faults of Object.values(this.#faults)) faults.length = 0;
  }

  set isDelayed(isDelayed: boolean) {
    this.#isDelayed = isDelayed;
    if (!isDelayed) for (const push of this.#delayed.splice(0)) push();
  }

  /** All logs are lost: those of the same topics that follow are other ones. */
  loseLogs(): void {
    this.#generation += 1;
    for (const [topic, watched] of this.#watched) if (watched.count > 0) void this.#rewatch(topic, watched.ends);
  }

  logOf(topic: string): Logged[] {
    const log = this.logs.get(topic) ?? [];
    this.logs.set(topic, log);
    return log;
  }

  open(node: NodeTag, sink: Sink): Promise<void> {
    this.#sink = sink;
    return this.#inner.open(node, {
      entry: (named, entry) => this.#push(named, entry),
      transient: (named, payload) => sink.transient(topicOf(named), payload),
      presence: (named, changes) => sink.presence(topicOf(named), changes),
      signal: (from, bytes) => sink.signal(from, bytes),
      nodes: (alive) => sink.nodes(alive),
      health: (isUp) => sink.health(isUp),
    });
  }

  async publish(topic: string, id: string, payload: Bytes, keep: Keep | 'none', signal?: AbortSignal): Promise<Position | undefined> {
    const fault = this.#faults.publish.shift();
    if (fault !== undefined && fault !== 'timeout') throw new BackplaneError(fault);
    const position = await this.#inner.publish(this.#named(topic), id, payload, keep, signal);
    const log = this.logOf(topic);
    if (position !== undefined && !log.some((logged) => logged.position === position)) log.push({ position, text: text(payload) });
    if (fault === 'timeout') throw new BackplaneError(fault);
    return position;
  }

  async watch(topic: string): Promise<() => void> {
    const fault = this.#faults.watch.shift();
    if (fault !== undefined) throw new BackplaneError(fault);
    const watched = this.#watched.get(topic) ?? { count: 0, ends: [] };
    this.#watched.set(topic, watched);
    watched.count += 1;
    this.watching += 1;
    await this.#rewatch(topic, watched.ends);
    return () => {
      this.watching -= 1;
      watched.count -= 1;
      if (watched.count === 0) for (const end of watched.ends.splice(0)) end();
    };
  }

  async read(topic: string, after: Position | 'start' | 'oldest' | 'now', limit: number): Promise<Page> {
    const fault = this.#faults.read.shift();
    if (fault !== undefined) throw new BackplaneError(fault);
    return this.#inner.read(this.#named(topic), after, limit);
  }

  tops(topics: readonly string[]): Promise<readonly (Position | undefined)[]> {
    return this.#inner.tops(topics.map((topic) => this.#named(topic)));
  }

  presence(topic: string, changes?: readonly MemberPart[]): Promise<readonly NodeMembers[]> {
    return this.#inner.presence(topic, changes);
  }

  swap(key: string, expected: Version, value?: Bytes, ttlMs?: number): Promise<Versioned> {
    return this.#inner.swap(key, expected, value, ttlMs);
  }

  signal(node: NodeTag, bytes: Bytes): Promise<void> {
    return this.#inner.signal(node, bytes);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #named(topic: string): string {
    return `${this.#generation} ${topic}`;
  }

  async #rewatch(topic: string, ends: (() => void)[]): Promise<void> {
    ends.push(await this.#inner.watch(this.#named(topic)));
  }

  #push(named: string, entry: Entry): void {
    // An old generation is lost, and so are its pushes.
    if (named !== this.#named(topicOf(named))) return;
    if (this.pushesToDrop > 0) {
      this.pushesToDrop -= 1;
      return;
    }
    const push = () => this.#sink?.entry(topicOf(named), entry);
    if (this.#isDelayed) this.#delayed.push(push);
    else push();
  }
}

function topicOf(named: string): string {
  return named.slice(named.indexOf(' ') + 1);
}
