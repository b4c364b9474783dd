import type { MemberPart, NodeMembers, NodeTag } from './backplane.js';

/** The members of one topic that one node contributes, by key. */
type Parts = Map<string, MemberPart>;

/** The members of each topic, as their nodes contribute them. */
export class MemoryMembers {
  readonly #topics = new Map<string, Map<NodeTag, Parts>>();

  change(topic: string, node: NodeTag, changes: readonly MemberPart[]): void {
    const nodes = this.#topics.get(topic) ?? new Map<NodeTag, Parts>();
    const parts = nodes.get(node) ?? new Map<string, MemberPart>();
    for (const part of changes) {
      if (part.connections > 0) parts.set(part.key, part);
      else parts.delete(part.key);
    }
    if (parts.size > 0) nodes.set(node, parts);
    else nodes.delete(node);
    if (nodes.size > 0) this.#topics.set(topic, nodes);
    else this.#topics.delete(topic);
  }

  of(topic: string): NodeMembers[] {
    return Array.from(this.#topics.get(topic) ?? [], ([node, parts]) => ({ node, members: [...parts.values()] }));
  }

  /** Removes everything that the node contributes, and calls with the changes of each topic. */
  removeNode(node: NodeTag, changed: (topic: string, changes: readonly MemberPart[]) => void): void {
    for (const [topic, nodes] of this.#topics) {
      const parts = nodes.get(node);
      if (parts === undefined) continue;
      const changes = Array.from(parts.values(), (part) => ({ ...part, connections: 0, away: 0 }));
      this.change(topic, node, changes);
      changed(topic, changes);
    }
  }
}
