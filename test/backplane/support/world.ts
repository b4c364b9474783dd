import { afterEach, beforeEach } from 'vitest';
import type { Bytes, Keep, NodeBackplane, Position } from '../../../src/backplane/backplane.js';
import { bytes, type MemberNode, openNode } from './member-node.js';

/** A broker, and the nodes over it. */
export interface BackplaneWorld {
  /** The backplane of one more node over the same broker, not open yet. */
  backplane(): NodeBackplane;
  /** Lets at least so much time pass, for the broker and for the nodes. */
  pass(ms: number): Promise<void>;
  /** Resolves when the calls before it have had all their effects: each of their pushes has reached its node. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export type MakeWorld = () => Promise<BackplaneWorld> | BackplaneWorld;

/** Bounds that no test reaches by accident. */
export const KEEP_ALL: Keep = { maxMessages: 10_000, maxBytes: 2 ** 20, maxAgeMs: 3_600_000 };

/** The world of the present test, new for each, and its open nodes. */
export class WorldOfTest {
  #world: BackplaneWorld | undefined;
  #nodes: MemberNode[] = [];
  #lastId = 0;

  constructor(make: MakeWorld) {
    beforeEach(async () => {
      this.#world = await make();
    });
    afterEach(async () => {
      await Promise.all(this.#nodes.map(({ node }) => node.close()));
      this.#nodes = [];
      await this.#world?.close();
    });
  }

  get world(): BackplaneWorld {
    if (this.#world === undefined) throw new Error('There is a world only within a test.');
    return this.#world;
  }

  async open(): Promise<MemberNode> {
    const opened = await openNode(this.world.backplane(), this.newId('node'));
    this.#nodes.push(opened);
    return opened;
  }

  async openTwo(): Promise<[MemberNode, MemberNode]> {
    return [await this.open(), await this.open()];
  }

  async openThree(): Promise<[MemberNode, MemberNode, MemberNode]> {
    return [await this.open(), await this.open(), await this.open()];
  }

  newId(prefix = 'id'): string {
    this.#lastId += 1;
    return `${prefix}-${this.#lastId}`;
  }

  /** Publishes with an id of its own, and resolves with the position of the stored entry. */
  async publish({ node }: MemberNode, topic: string, payload: string | Bytes, keep = KEEP_ALL): Promise<Position> {
    const position = await node.publish(topic, this.newId(), typeof payload === 'string' ? bytes(payload) : payload, keep);
    if (position === undefined) throw new Error('A stored entry has a position.');
    return position;
  }

  /** Publishes the payloads one after the other. */
  async publishAll(by: MemberNode, topic: string, payloads: readonly string[], keep = KEEP_ALL): Promise<Position[]> {
    const positions: Position[] = [];
    for (const payload of payloads) positions.push(await this.publish(by, topic, payload, keep));
    return positions;
  }
}
