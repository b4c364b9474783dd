import type { Entry, NodeBackplane, Page, Position, Sink } from '../../../src/backplane/backplane.js';
import { memoryBackplane } from '../../../src/backplane/memory.js';

/** A backplane in memory in which the position of the n-th entry of a topic is n, so that vectors can name it. */
export function numberedPositions(): NodeBackplane {
  const memory = memoryBackplane();
  const real = new Map<string, Position>();
  const renamed = <P extends Position | undefined>(topic: string, position: P): P => {
    if (position === undefined) return position;
    const [, offset = ''] = /\.([0-9a-z]+)-/.exec(position) ?? [];
    const number = String(Number.parseInt(offset, 36));
    real.set(`${number} ${topic}`, position);
    return number as P;
  };
  const renamedEntry = (topic: string, { position, previous, payload }: Entry): Entry => ({
    position: renamed(topic, position),
    previous: renamed(topic, previous),
    payload,
  });
  const renamedPage = (topic: string, page: Page): Page => ({
    ...page,
    entries: page.entries.map((entry) => renamedEntry(topic, entry)),
    next: renamed(topic, page.next),
  });
  return {
    name: 'numbered',
    open: (node, sink) => memory.open(node, renaming(sink, renamedEntry)),
    publish: async (topic, ...rest) => renamed(topic, await memory.publish(topic, ...rest)),
    watch: (topic) => memory.watch(topic),
    read: async (topic, after, limit) => renamedPage(topic, await memory.read(topic, real.get(`${after} ${topic}`) ?? after, limit)),
    tops: (topics) => memory.tops(topics),
    presence: (topic, changes) => memory.presence(topic, changes),
    swap: (...swapped) => memory.swap(...swapped),
    signal: (node, bytes) => memory.signal(node, bytes),
    close: () => memory.close(),
  };
}

function renaming(sink: Sink, renamedEntry: (topic: string, entry: Entry) => Entry): Sink {
  return {
    entry: (topic, entry) => sink.entry(topic, renamedEntry(topic, entry)),
    transient: (topic, payload) => sink.transient(topic, payload),
    presence: (topic, changes) => sink.presence(topic, changes),
    signal: (from, bytes) => sink.signal(from, bytes),
    nodes: (alive) => sink.nodes(alive),
    health: (isUp) => sink.health(isUp),
  };
}
