import type { MemberPart, NodeMembers, NodeTag } from '../backplane/backplane.js';
import { AWAY, encodeBody } from '../topics/records.js';
import type { Member } from '../topics/types.js';

type Parts = Map<string, MemberPart>;

/** A member with the parts of all nodes put together. */
export class MemberState {
  readonly key: string;
  readonly connections: number;
  readonly isAway: boolean;
  /** JSON. */
  readonly data: string;
  readonly updatedAtMs: number;
  #encoded: Uint8Array<ArrayBuffer> | undefined;

  /** @param parts those with connections, at least one of them. */
  constructor(key: string, parts: readonly MemberPart[]) {
    this.key = key;
    const newest = parts.reduce(newer);
    this.connections = sum(parts, ({ connections }) => connections);
    this.isAway = sum(parts, ({ away }) => away) >= this.connections;
    this.data = newest.data;
    this.updatedAtMs = newest.updatedAtMs;
  }

  /** As records have it; encoded once. */
  get encoded(): Uint8Array<ArrayBuffer> {
    this.#encoded ??= encodeBody([this.key, this.connections, this.isAway ? AWAY : 0, this.data]);
    return this.#encoded;
  }

  get member(): Member {
    const { key, connections, isAway, data } = this;
    return { key, connections, state: isAway ? 'away' : 'here', data: parse(data) };
  }
}

/** A member that has left, as records have it. */
export function encodeLeft(key: string): Uint8Array<ArrayBuffer> {
  return encodeBody([key, 0, 0, 'null']);
}

/**
 * The members of one topic: the union of what the nodes contribute. Their number is bounded by the clients of the nodes, and their size
 * by `maxPresenceBytes`.
 */
export class Members {
  readonly #nodes = new Map<NodeTag, Parts>();
  readonly #members = new Map<string, MemberState>();

  get all(): ReadonlyMap<string, MemberState> {
    return this.#members;
  }

  part(node: NodeTag, key: string): MemberPart | undefined {
    return this.#nodes.get(node)?.get(key);
  }

  keysOf(node: NodeTag): string[] {
    return [...(this.#nodes.get(node)?.keys() ?? [])];
  }

  /** Takes what a node contributes to a member; nothing, if it has no connections. */
  set(node: NodeTag, part: MemberPart): void {
    const parts = this.#nodes.get(node) ?? new Map<string, MemberPart>();
    if (part.connections > 0) parts.set(part.key, part);
    else parts.delete(part.key);
    if (parts.size > 0) this.#nodes.set(node, parts);
    else this.#nodes.delete(node);
    this.#unite(part.key);
  }

  /** Takes everything that a node contributes. Returns the keys that may have changed. */
  replace(node: NodeTag, parts: readonly MemberPart[]): string[] {
    const before = this.keysOf(node);
    this.#nodes.set(node, new Map(parts.map((part) => [part.key, part])));
    if (parts.length === 0) this.#nodes.delete(node);
    const keys = [...new Set([...before, ...parts.map(({ key }) => key)])];
    for (const key of keys) this.#unite(key);
    return keys;
  }

  /** Removes the nodes that are not among these. Returns the keys that may have changed. */
  keepNodes(nodes: readonly NodeTag[]): string[] {
    return [...this.#nodes.keys()].filter((node) => !nodes.includes(node)).flatMap((node) => this.replace(node, []));
  }

  #unite(key: string): void {
    const parts: MemberPart[] = [];
    for (const node of this.#nodes.values()) {
      const part = node.get(key);
      if (part !== undefined) parts.push(part);
    }
    if (parts.length > 0) this.#members.set(key, new MemberState(key, parts));
    else this.#members.delete(key);
  }
}

/** The members that these nodes contribute. */
export function unionOf(nodes: readonly NodeMembers[]): Members {
  const union = new Members();
  for (const { node, members } of nodes) union.replace(node, members);
  return union;
}

function sum(parts: readonly MemberPart[], countOf: (part: MemberPart) => number): number {
  return parts.reduce((total, part) => total + countOf(part), 0);
}

/** Of two that are equally new, every node has to take the same one. */
function newer(one: MemberPart, other: MemberPart): MemberPart {
  if (one.updatedAtMs !== other.updatedAtMs) return one.updatedAtMs > other.updatedAtMs ? one : other;
  return one.data >= other.data ? one : other;
}

/** Another node may be of another version. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
