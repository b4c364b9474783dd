import type { Bytes, Entry, NodeBackplane, NodeMembers, NodeTag, Sink } from '../../../src/backplane/backplane.js';

export const bytes = (text: string): Bytes => new TextEncoder().encode(text);
export const text = (payload: Uint8Array | undefined): string => new TextDecoder().decode(payload);
export const textsOf = (entries: readonly Entry[]): string[] => entries.map(({ payload }) => text(payload));

/** A sink that records what it is called with. */
export class RecordingSink implements Sink {
  readonly pushed: { readonly topic: string; readonly entry: Entry }[] = [];
  readonly transients: { readonly topic: string; readonly text: string }[] = [];
  readonly changes: (NodeMembers & { readonly topic: string })[] = [];
  readonly signals: { readonly from: NodeTag; readonly text: string }[] = [];
  alive: readonly NodeTag[] = [];
  isUp = false;
  /** Called after the recording of an entry. */
  onEntry: (topic: string, entry: Entry) => void = () => {};

  entry(topic: string, entry: Entry): void {
    this.pushed.push({ topic, entry });
    this.onEntry(topic, entry);
  }

  transient(topic: string, payload: Bytes): void {
    this.transients.push({ topic, text: text(payload) });
  }

  presence(topic: string, changes: NodeMembers): void {
    this.changes.push({ topic, ...changes });
  }

  signal(from: NodeTag, payload: Bytes): void {
    this.signals.push({ from, text: text(payload) });
  }

  nodes(alive: readonly NodeTag[]): void {
    this.alive = alive;
  }

  health(isUp: boolean): void {
    this.isUp = isUp;
  }

  /** The entries of the topic that were pushed. */
  entriesOf(topic: string): Entry[] {
    return this.pushed.filter((push) => push.topic === topic).map(({ entry }) => entry);
  }

  textsOf(topic: string): string[] {
    return textsOf(this.entriesOf(topic));
  }
}

/** An open node of a backplane, and what was pushed to it. */
export interface MemberNode {
  readonly tag: NodeTag;
  readonly node: NodeBackplane;
  readonly sink: RecordingSink;
}

export async function openNode(node: NodeBackplane, tag: NodeTag): Promise<MemberNode> {
  const sink = new RecordingSink();
  await node.open(tag, sink);
  return { tag, node, sink };
}
