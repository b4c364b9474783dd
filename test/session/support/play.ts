import { Application, type Habits } from './application.js';
import type { Ending, Move, Side } from './schedule.js';
import type { World } from './world.js';

/** Plays a schedule, then lets everything heal and reads to the end. */
export class Play {
  readonly client: Application;
  /** One for each session. */
  readonly servers: Application[] = [];
  readonly #world: World;

  constructor(world: World, habits: Partial<Record<Side, Habits>> = {}) {
    this.#world = world;
    this.client = new Application('client', world.client, habits.client);
    world.onServerClient((end) => this.servers.push(new Application(`server${this.servers.length}`, end, habits.server)));
  }

  /** That of the newest session. */
  get server(): Application {
    return this.servers[this.servers.length - 1] as Application;
  }

  run(moves: readonly Move[]): this {
    for (const one of moves) this.#move(one);
    this.#heal();
    return this;
  }

  /** The closer's peer reads to the end. */
  end({ closer, messages, cuts }: Ending): this {
    const world = this.#world;
    const [closing, peer] = closer === 'client' ? [this.client, this.server] : [this.server, this.client];
    for (let n = 0; n < messages; n++) closing.send(60, true);
    void closing.end.close(1000, 'over');
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
      if (peer.take() > 0) idle = 0;
    }
    return this;
  }

  /** Everybody closes, this side first, and reads what is there to be read. */
  endAll(first: Side): this {
    const world = this.#world;
    // An application of an older session may wait for its client still.
    for (const applications of [[this[first]], [this.client, ...this.servers]]) {
      for (const { end } of applications) void end.close(1000, 'over');
      for (let idle = 0; idle < 10; idle++) {
        world.pass(10_000);
        if (this.#takeAll() > 0) idle = Math.min(idle, 7);
      }
    }
    return this;
  }

  #move(one: Move): void {
    const world = this.#world;
    const older = (back: number) => world.cables[world.cables.length - 1 - back];
    switch (one.do) {
      case 'send':
        this[one.side].send(one.bytes, one.isText);
        break;
      case 'read':
        this[one.side].take(one.count);
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
      case 'volatile':
        this[one.side].sendVolatile();
        break;
      case 'close':
        void this[one.side].end.close(one.code, 'as the schedule says');
        break;
      case 'restart':
        world.restartServer();
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
      if (this.#takeAll() > 0) quiet = Math.min(quiet, 8);
    }
  }

  #takeAll(): number {
    return [this.client, ...this.servers].reduce((messages, application) => messages + application.take(), 0);
  }
}
