import fc from 'fast-check';
import type { Client } from '../../../src/core/client.js';
import { WebsocketError } from '../../../src/core/errors.js';
import type { Message } from '../../../src/core/types.js';
import type { World } from './world.js';
import { readAll } from './world.js';

export type Side = 'client' | 'server';

/** What can happen. Any list of these is a schedule. */
export type Move =
  | { readonly do: 'send'; readonly side: Side; readonly bytes: number; readonly isText: boolean }
  | { readonly do: 'read'; readonly side: Side; readonly count: number }
  | { readonly do: 'turn' }
  /** Frames of the newest cable, or of an older one: they come late. */
  | { readonly do: 'deliver'; readonly from: Side; readonly frames: number; readonly age: number }
  /** Who is told at once; the other is told by its liveness, by the takeover, or by a later `notice`. */
  | { readonly do: 'cut'; readonly told: readonly Side[]; readonly isDead: boolean }
  | { readonly do: 'notice'; readonly side: Side; readonly age: number }
  | { readonly do: 'freeze' }
  | { readonly do: 'thaw' }
  | { readonly do: 'refuse'; readonly isRefusing: boolean }
  | { readonly do: 'wake' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'throttle'; readonly ms: number };

const side = fc.constantFrom<Side>('client', 'server');
const age = fc.nat({ max: 2 });

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('send'),
      side,
      bytes: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 700 })),
      isText: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read'), side, count: fc.nat({ max: 10 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('turn') }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('deliver'), from: side, frames: fc.integer({ min: 1, max: 5 }), age }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), told: fc.subarray<Side>(['client', 'server']), isDead: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('notice'), side, age }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('freeze') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('thaw') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse'), isRefusing: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wake') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 40_000 })) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump'), ms: fc.integer({ min: -600_000, max: 600_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('throttle'), ms: fc.nat({ max: 120_000 }) }) },
) as fc.Arbitrary<Move>;

export const schedules = fc.array(move, { minLength: 1, maxLength: 80, size: 'max' });

/** How it ends: who closes with what has just been sent, and when the link breaks meanwhile. */
export interface Ending {
  readonly closer: Side;
  readonly messages: number;
  /** The cable is cut after so many frames, and the next one too. */
  readonly cuts: readonly number[];
}

export const endings: fc.Arbitrary<Ending> = fc.record({
  closer: side,
  messages: fc.nat({ max: 20 }),
  cuts: fc.array(fc.nat({ max: 6 }), { maxLength: 3 }),
});

/** One application: what it has sent and what it has read. */
export class Application {
  readonly sent: string[] = [];
  readonly read: string[] = [];
  readonly #name: Side;

  constructor(name: Side) {
    this.#name = name;
  }

  send(client: Client, bytes: number, isText: boolean): void {
    const text = `${this.#name} ${this.sent.length} `.padEnd(bytes, isText ? 'ä' : '.');
    try {
      if (isText) client.sendMessage(text);
      else client.sendMessageBinary(new TextEncoder().encode(text));
    } catch (error) {
      // Refused with a name is not lost.
      if (error instanceof WebsocketError && error.code === 'OUTBOX_FULL') return;
      throw error;
    }
    this.sent.push(isText ? text : `binary ${text}`);
  }

  take(client: Client, max?: number): number {
    const messages = readAll(client, max);
    this.read.push(...messages.map(nameOf));
    return messages.length;
  }
}

function nameOf(message: Message): string {
  return typeof message === 'string' ? message : `binary ${new TextDecoder().decode(message)}`;
}

/** Plays a schedule, then lets everything heal and reads to the end. */
export class Play {
  readonly client = new Application('client');
  readonly server = new Application('server');
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    // In the very call that tells of the new wire, before anything is sent again.
    world.client.on('reconnected', () => this.client.send(world.client, 10, true));
    world.serverClient.on('reconnected', () => this.server.send(world.serverClient, 10, true));
  }

  run(moves: readonly Move[]): this {
    for (const one of moves) this.#move(one);
    this.#heal();
    return this;
  }

  /** The closer's peer reads to the end. */
  end({ closer, messages, cuts }: Ending): this {
    const world = this.#world;
    const peer = closer === 'client' ? 'server' : 'client';
    for (let n = 0; n < messages; n++) this[closer].send(this.#end(closer), 60, true);
    void this.#end(closer).close(1000, 'over');
    for (const frames of cuts) {
      for (let n = 0; n < frames; n++) {
        world.endTurn();
        for (const from of ['client', 'server'] as const) world.cable.deliver(from);
      }
      world.cut();
      world.pass(1_000);
    }
    for (let idle = 0; idle < 3; idle++) {
      world.pass(10_000);
      if (this[peer].take(this.#end(peer)) > 0) idle = 0;
    }
    return this;
  }

  #move(one: Move): void {
    const world = this.#world;
    const older = (back: number) => world.cables[world.cables.length - 1 - back];
    switch (one.do) {
      case 'send':
        this[one.side].send(this.#end(one.side), one.bytes, one.isText);
        break;
      case 'read':
        this[one.side].take(this.#end(one.side), one.count);
        break;
      case 'turn':
        world.endTurn();
        break;
      case 'deliver':
        for (let frame = 0; frame < one.frames; frame++) older(one.age)?.deliver(one.from);
        break;
      case 'cut':
        // Not dead: what is on its way still arrives at whoever has not been told.
        world.cable.isCut = one.isDead;
        for (const told of one.told) world.cable[told].lose();
        break;
      case 'notice': {
        const cable = older(one.age);
        if (cable !== undefined && (cable.isCut || cable.client.isOver || cable.server.isOver)) cable[one.side].lose();
        break;
      }
      case 'freeze':
        world.cable.isFrozen = true;
        break;
      case 'thaw':
        for (const cable of world.cables) cable.isFrozen = false;
        break;
      case 'refuse':
        world.isRefusing = one.isRefusing;
        break;
      case 'wake':
        world.wake();
        break;
      case 'pass':
        world.clock.pass(one.ms, () => world.endTurn());
        break;
      case 'jump':
        world.clock.jump(one.ms);
        break;
      case 'throttle':
        world.clock.throttle(one.ms);
        break;
    }
  }

  #heal(): void {
    const world = this.#world;
    world.isRefusing = false;
    for (const cable of world.cables) cable.isFrozen = false;
    // Longer than any back-off and any liveness, so that what is still broken is found and mended.
    for (let quiet = 0; quiet < 12; quiet++) {
      world.pass(10_000);
      if (this.client.take(world.client) + this.server.take(world.serverClient) > 0) quiet = Math.min(quiet, 8);
    }
  }

  #end(one: Side): Client {
    return one === 'client' ? this.#world.client : this.#world.serverClient;
  }
}
