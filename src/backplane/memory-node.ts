import {
  BackplaneError,
  type Bytes,
  type Keep,
  type MemberPart,
  type NodeBackplane,
  type NodeMembers,
  type NodeTag,
  type Page,
  type Position,
  type Sink,
  type Version,
  type Versioned,
} from './backplane.js';
import type { Deadlines } from './memory-deadlines.js';
import type { MemoryLogs } from './memory-logs.js';
import type { MemoryMembers } from './memory-members.js';
import type { Pushes } from './memory-pushes.js';
import type { MemoryValues } from './memory-values.js';
import type { Watch, Watches } from './memory-watches.js';

/** What all nodes over one memory share. */
export interface SharedMemory {
  readonly logs: MemoryLogs;
  readonly values: MemoryValues;
  readonly members: MemoryMembers;
  readonly watches: Watches;
  readonly pushes: Pushes;
  readonly deadlines: Deadlines;
  readonly nodes: Map<NodeTag, Sink>;
}

/** One node over a memory that it may share with others. */
export class MemoryNode implements NodeBackplane {
  readonly name = 'memory';
  readonly #memory: SharedMemory;
  readonly #watches = new Map<string, Watch>();
  #joined: { readonly node: NodeTag; readonly sink: Sink } | undefined;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  async open(node: NodeTag, sink: Sink): Promise<void> {
    const { nodes, pushes, deadlines } = this.#memory;
    this.#joined = { node, sink };
    nodes.set(node, sink);
    deadlines.start();
    this.#pushNodes();
    pushes.add(() => {
      if (this.#joined !== undefined) sink.health(true);
    });
  }

  async publish(topic: string, id: string, payload: Bytes, keep: Keep | 'none', signal?: AbortSignal): Promise<Position | undefined> {
    this.#identity();
    if (signal?.aborted === true) throw new BackplaneError('timeout', signal.reason);
    if (keep === 'none') {
      this.#push(topic, (sink) => sink.transient(topic, payload));
      return undefined;
    }
    const published = this.#memory.logs.publish(topic, id, payload, keep);
    if (typeof published === 'string') return published;
    this.#push(topic, (sink) => sink.entry(topic, published));
    return published.position;
  }

  async watch(topic: string): Promise<() => void> {
    const { node, sink } = this.#identity();
    const watch = this.#watches.get(topic) ?? { node, sink, count: 0 };
    if (watch.count === 0) {
      this.#watches.set(topic, watch);
      this.#memory.watches.add(topic, watch);
    }
    watch.count += 1;
    let isWatching = true;
    return () => {
      if (isWatching) this.#unwatch(topic, watch);
      isWatching = false;
    };
  }

  async read(topic: string, after: Position | 'start' | 'oldest' | 'now', limit: number): Promise<Page> {
    this.#identity();
    return this.#memory.logs.read(topic, after, limit);
  }

  async tops(topics: readonly string[]): Promise<readonly (Position | undefined)[]> {
    this.#identity();
    return topics.map((topic) => this.#memory.logs.topOf(topic));
  }

  async presence(topic: string, changes: readonly MemberPart[] = []): Promise<readonly NodeMembers[]> {
    const { node } = this.#identity();
    const { members } = this.#memory;
    if (changes.length > 0) {
      members.change(topic, node, changes);
      this.#pushMembers(topic, { node, members: changes });
    }
    return members.of(topic);
  }

  async swap(key: string, expected: Version, value?: Bytes, ttlMs: number = Number.POSITIVE_INFINITY): Promise<Versioned> {
    this.#identity();
    return this.#memory.values.swap(key, expected, value, ttlMs);
  }

  async signal(node: NodeTag, bytes: Bytes): Promise<void> {
    const { node: from } = this.#identity();
    const { nodes, pushes } = this.#memory;
    pushes.add(() => nodes.get(node)?.signal(from, bytes));
  }

  async close(): Promise<void> {
    if (this.#joined === undefined) return;
    const { node } = this.#joined;
    const { nodes, members, deadlines } = this.#memory;
    this.#joined = undefined;
    nodes.delete(node);
    for (const [topic, watch] of this.#watches) this.#unwatchAll(topic, watch);
    members.removeNode(node, (topic, changes) => this.#pushMembers(topic, { node, members: changes }));
    this.#pushNodes();
    if (nodes.size === 0) deadlines.stop();
  }

  /** Throws unless the node is open. */
  #identity(): { readonly node: NodeTag; readonly sink: Sink } {
    if (this.#joined === undefined) throw new BackplaneError('down');
    return this.#joined;
  }

  #unwatch(topic: string, watch: Watch): void {
    if (watch.count > 1) watch.count -= 1;
    else if (watch.count === 1) this.#unwatchAll(topic, watch);
  }

  #unwatchAll(topic: string, watch: Watch): void {
    const { watches, logs } = this.#memory;
    watches.remove(topic, watch);
    this.#watches.delete(topic);
    if (watches.of(topic) === undefined) logs.unwatched(topic);
  }

  /** Calls the sink of each node that watches the topic, unless it stops watching before. */
  #push(topic: string, call: (sink: Sink) => void): void {
    const watches = this.#memory.watches.of(topic);
    if (watches === undefined) return;
    this.#memory.pushes.add(() => {
      for (const watch of watches) if (watch.count > 0) call(watch.sink);
    });
  }

  #pushMembers(topic: string, changes: NodeMembers): void {
    const others = this.#memory.watches.of(topic)?.filter(({ node }) => node !== changes.node) ?? [];
    if (others.length === 0) return;
    this.#memory.pushes.add(() => {
      for (const watch of others) if (watch.count > 0) watch.sink.presence(topic, changes);
    });
  }

  #pushNodes(): void {
    const { nodes, pushes } = this.#memory;
    const alive = [...nodes.keys()];
    const sinks = [...nodes];
    pushes.add(() => {
      for (const [node, sink] of sinks) if (nodes.get(node) === sink) sink.nodes(alive);
    });
  }
}
