import type { NodeBackplane, NodeTag, Sink } from './backplane.js';
import { MemoryBudget } from './memory-budget.js';
import { Deadlines } from './memory-deadlines.js';
import { MemoryLogs } from './memory-logs.js';
import { MemoryMembers } from './memory-members.js';
import { MemoryNode, type SharedMemory } from './memory-node.js';
import { Pushes } from './memory-pushes.js';
import { ElapsedTime, type MemoryClock, runtimeClock } from './memory-time.js';
import { MemoryValues } from './memory-values.js';
import { Watches } from './memory-watches.js';

export interface MemoryBackplaneOptions {
  /**
   * Topics with a log. A publish that would begin another log rejects 'full'; a log without entries is forgotten after two minutes.
   * Default 250,000: ten for each of 25,000 clients. Without entries they have 150 MB.
   */
  readonly maxTopics?: number;
  /**
   * Memory of all logs and values, with 350 bytes for each entry beside its payload. A publish beyond it rejects 'full', unless it
   * removes as much as it adds. Default 256 MiB: the server still fits into a container of 512 MiB.
   */
  readonly maxBytes?: number;
  /**
   * Ids of publishes, which are remembered for two minutes; beyond this bound the oldest are forgotten earlier. Default 500,000: two
   * minutes of 2,000 publishes a second, and at most 60 MB.
   */
  readonly maxIds?: number;
  /** Time, for tests. */
  readonly clock?: MemoryClock;
  /** Numbers in [0, 1), for tests. */
  readonly random?: () => number;
}

/** A memory of this process that any number of nodes share. It ends with the process. */
export class MemoryBroker {
  readonly #memory: SharedMemory;

  constructor(options: MemoryBackplaneOptions = {}) {
    const { maxTopics = 250_000, maxBytes = 256 * 2 ** 20, maxIds = 500_000, clock = runtimeClock, random = Math.random } = options;
    const time = new ElapsedTime(clock);
    const deadlines = new Deadlines(clock, time);
    const budget = new MemoryBudget(maxBytes, deadlines);
    const watches = new Watches();
    const isWatched = (topic: string) => watches.of(topic) !== undefined;
    this.#memory = {
      logs: new MemoryLogs({ clock, time, deadlines, budget, maxTopics, maxIds, random, isWatched }),
      values: new MemoryValues(time, deadlines, budget),
      members: new MemoryMembers(),
      watches,
      pushes: new Pushes(),
      deadlines,
      nodes: new Map<NodeTag, Sink>(),
    };
  }

  /** A backplane for one more node. */
  backplane(): NodeBackplane {
    return new MemoryNode(this.#memory);
  }
}

/** The backplane of a server without other nodes. */
export function memoryBackplane(options?: MemoryBackplaneOptions): NodeBackplane {
  return new MemoryBroker(options).backplane();
}
