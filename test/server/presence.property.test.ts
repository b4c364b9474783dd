import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { MemoryBroker } from '../../src/backplane/memory.js';
import type { ExtensibleClient, Extension, RecordPort } from '../../src/core/extension.js';
import type { Member, Presence } from '../../src/entry/topics.js';
import { Broadcast } from '../../src/server/broadcast.js';
import { resolveServerOptions } from '../../src/server/options.js';
import type { TopicSession } from '../../src/server/topic-session.js';
import { Topics } from '../../src/server/topics.js';
import type { ServerClient } from '../../src/server/types.js';
import { EXTENSION_BYTES, FEATURE_TOPICS, MAX_BODY_BYTES } from '../../src/session/codec.js';
import { ClientTopics } from '../../src/topics/client-topics.js';
import { TopicPresence } from '../../src/topics/topic-presence.js';
import { propertyBudget } from '../support/budget.js';
import { limit } from '../support/pace.js';

type Body = Uint8Array<ArrayBuffer>;

/** Records that wait for the peer before its session has no room. */
const ROOM = 2;

/** One end of a session: records arrive once and in order, however often it is detached. */
class End implements RecordPort {
  readonly features = FEATURE_TOPICS;
  readonly maxBodyBytes = MAX_BODY_BYTES + EXTENSION_BYTES;
  readonly maxBytes = 1_048_576;
  readonly sent: { readonly kind: number; readonly body: Body }[] = [];
  isOpen = true;
  heldBytes = 0;
  extension: Extension | undefined;

  write(kind: number, body: Body): boolean {
    if (!this.isOpen || this.sent.length >= ROOM) return false;
    this.sent.push({ kind, body });
    return true;
  }

  due(): void {
    while (this.isOpen && this.extension?.pump() === true);
  }

  hold(bytes: number): void {
    this.heldBytes += bytes;
  }

  release(bytes: number): void {
    this.heldBytes -= bytes;
  }

  set(isOpen: boolean): void {
    this.isOpen = isOpen;
    if (isOpen) {
      this.extension?.opened(true);
      this.due();
    } else this.extension?.detached();
  }

  deliverTo(other: End): void {
    const next = this.isOpen ? this.sent.shift() : undefined;
    if (next !== undefined) expect(other.extension?.receive(next.kind, next.body, 0, next.body.length)).toBeUndefined();
    this.due();
  }
}

/** A client of a node, whose session may be detached and lost. */
class Peer {
  readonly key: string;
  readonly client = new End();
  readonly presences: { readonly presence: TopicPresence; readonly mirror: Map<string, Member>; isMember: boolean }[] = [];
  server = new End();
  readonly #topics: ClientTopics;
  readonly #node: Topics;
  #session: TopicSession;

  constructor(key: string, node: Topics) {
    this.key = key;
    this.#node = node;
    const owner = { id: key, handlerFailed: (cause: unknown) => expect(cause).toBeUndefined() };
    this.#topics = new ClientTopics(owner as unknown as ExtensibleClient, this.client);
    this.client.extension = this.#topics;
    this.#session = this.#accept();
    this.#topics.opened(false);
  }

  join(data: string | undefined): void {
    const presence = new TopicPresence(this.#topics, 'doc', data);
    const joined = { presence, mirror: new Map<string, Member>(), isMember: data !== undefined };
    this.presences.push(joined);
    presence.begin().then(
      ({ members }) => follow(presence, members, joined.mirror),
      () => {},
    );
  }

  leave(): void {
    void this.presences.shift()?.presence.leave();
  }

  /** The session is over on both sides, and the client has a new one. */
  lose(): void {
    this.#session.ended();
    this.client.isOpen = this.server.isOpen = false;
    this.#topics.detached();
    expect(this.server.heldBytes).toBe(0);
    this.client.sent.length = 0;
    this.server = new End();
    this.#session = this.#accept();
    this.client.isOpen = true;
    this.#topics.opened(false);
    this.client.due();
  }

  set(isOpen: boolean): void {
    if (this.client.isOpen === isOpen) return;
    this.server.set(isOpen);
    this.client.set(isOpen);
  }

  deliver(isToServer: boolean): void {
    if (isToServer) this.client.deliverTo(this.server);
    else this.server.deliverTo(this.client);
  }

  get isIdle(): boolean {
    return this.client.sent.length + this.server.sent.length === 0;
  }

  #accept(): TopicSession {
    const session = this.#node.sessionOf({ id: this.key } as unknown as ServerClient, this.server);
    this.server.extension = session;
    session.opened(false);
    return session;
  }
}

/** The members as the events report them, from the first snapshot on. */
function follow(presence: Presence, members: ReadonlyMap<string, Member>, mirror: Map<string, Member>): void {
  for (const [key, member] of members) mirror.set(key, member);
  presence.on('join', (member) => {
    expect(mirror.has(member.key)).toBe(false);
    mirror.set(member.key, member);
  });
  presence.on('change', (member) => {
    expect(mirror.get(member.key)).not.toEqual(member);
    expect(mirror.has(member.key)).toBe(true);
    mirror.set(member.key, member);
  });
  presence.on('leave', ({ key }) => expect(mirror.delete(key)).toBe(true));
}

const peer = fc.nat({ max: 4 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ call: fc.constant('deliver' as const), peer, flag: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('tick' as const), peer: fc.constantFrom(1, 20, 60), flag: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ call: fc.constantFrom('join', 'leave', 'update', 'set', 'lose'), peer, flag: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Two nodes, five clients, three users. */
class World {
  readonly nodes: readonly Topics[];
  readonly peers: readonly Peer[];
  #updates = 0;

  constructor() {
    const broker = new MemoryBroker();
    this.nodes = [0, 1].map(() => {
      const settings = resolveServerOptions({ authorize: () => true, backplane: broker.backplane() });
      return new Topics(
        settings,
        new Broadcast(),
        (error) => expect(error).toBeUndefined(),
        ({ id }) => id,
      );
    });
    this.peers = ['ann', 'ann', 'bob', 'bob', 'cat'].map((key, index) => new Peer(key, this.nodes[index % 2] as Topics));
  }

  async take({ call, peer: at, flag }: Step): Promise<void> {
    const one = this.peers[at] as Peer;
    this.#updates += 1;
    if (call === 'tick') await vi.advanceTimersByTimeAsync(at);
    else if (call === 'deliver') one.deliver(flag);
    else if (call === 'join') one.join(flag ? String(this.#updates) : undefined);
    else if (call === 'leave') one.leave();
    else if (call === 'set') one.set(flag);
    else if (call === 'lose') one.lose();
    else for (const { presence, isMember } of one.presences) if (isMember) void presence.update(this.#updates);
  }

  /** Everything arrives. */
  async rest(): Promise<void> {
    for (const one of this.peers) one.set(true);
    for (let quiet = 0; quiet < 3; quiet++) {
      await vi.advanceTimersByTimeAsync(60);
      while (this.peers.some(({ isIdle }) => !isIdle)) {
        quiet = 0;
        for (const one of this.peers) for (const isToServer of [true, false]) one.deliver(isToServer);
        await vi.advanceTimersByTimeAsync(1);
      }
    }
  }

  async check(): Promise<void> {
    const counts: Record<string, number> = {};
    for (const { key, presences } of this.peers) {
      if (presences.some(({ isMember }) => isMember)) counts[key] = (counts[key] ?? 0) + 1;
    }
    const members = await this.nodes[0]?.members('doc');
    expect(Object.fromEntries(Array.from(members ?? [], ([key, { connections }]) => [key, connections]))).toEqual(counts);
    for (const { state } of members?.values() ?? []) expect(state).toBe('here');
    expect(await this.nodes[1]?.members('doc')).toEqual(members);
    for (const { presences, server } of this.peers) {
      expect(server.heldBytes).toBe(0);
      for (const { presence, mirror } of presences) {
        expect(presence.members).toEqual(members);
        expect(mirror).toEqual(members);
      }
    }
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

it(
  'every presence has the members of both nodes, whatever is delivered, detached and lost in between',
  async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 150, size: 'max' }), async (steps) => {
      const world = new World();
      for (const one of steps) await world.take(one);
      await world.rest();
      await world.check();
      for (const one of world.peers) while (one.presences.length > 0) one.leave();
      await world.rest();
      await world.check();
      for (const node of world.nodes) {
        expect(node.metrics).toMatchObject({ presences: 0, presenceMembers: 0 });
        await node.close();
      }
      expect(vi.getTimerCount()).toBe(0);
    });
    await fc.assert(property, propertyBudget('GEM_SCHEDULES', 5_000));
  },
  limit(60_000),
);
