import type { NodeBackplane, NodeMembers, NodeTag } from '../backplane/backplane.js';
import type { Member } from '../topics/types.js';
import type { Broadcast } from './broadcast.js';
import { unionOf } from './presence-members.js';
import { type PresenceNode, PresenceTopic } from './presence-topic.js';

/** The metrics of presences: gauges. */
export interface PresenceMetrics {
  readonly presences: number;
  readonly presenceMembers: number;
}

/** The presences of this node's clients, by topic. */
export class Presences implements PresenceNode {
  readonly tag: NodeTag;
  readonly backplane: NodeBackplane;
  readonly broadcast: Broadcast;
  readonly #nextFeed: () => number;
  readonly #topics = new Map<string, PresenceTopic>();

  constructor(tag: NodeTag, backplane: NodeBackplane, broadcast: Broadcast, nextFeed: () => number) {
    this.tag = tag;
    this.backplane = backplane;
    this.broadcast = broadcast;
    this.#nextFeed = nextFeed;
  }

  get metrics(): PresenceMetrics {
    let [presences, presenceMembers] = [0, 0];
    for (const { observers, size } of this.#topics.values()) {
      presences += observers.size;
      presenceMembers += size;
    }
    return { presences, presenceMembers };
  }

  /** A topic until it is released as often as it was held. */
  hold(name: string): PresenceTopic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new PresenceTopic(name, this.#nextFeed(), this);
      this.#topics.set(name, topic);
    }
    topic.uses += 1;
    return topic;
  }

  release(topic: PresenceTopic): void {
    topic.uses -= 1;
    topic.settle();
  }

  unused(topic: PresenceTopic): void {
    topic.end();
    this.#topics.delete(topic.name);
  }

  /** The members of all nodes. Rejects with `BackplaneError`. */
  async members(name: string): Promise<ReadonlyMap<string, Member>> {
    const nodes = await this.backplane.presence(name);
    const union = this.#topics.get(name)?.over(nodes) ?? unionOf(nodes);
    return new Map(Array.from(union.all, ([key, { member }]) => [key, member]));
  }

  pushed(name: string, changes: NodeMembers): void {
    this.#topics.get(name)?.pushed(changes);
  }

  keepNodes(alive: readonly NodeTag[]): void {
    for (const topic of this.#topics.values()) topic.keepNodes(alive);
  }

  resync(): void {
    for (const topic of this.#topics.values()) topic.resync();
  }

  close(): void {
    for (const topic of this.#topics.values()) topic.end();
    this.#topics.clear();
  }
}
