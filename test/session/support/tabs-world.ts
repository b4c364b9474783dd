import { Client } from '../../../src/core/client.js';
import { type ChannelOptions, clientParts } from '../../../src/core/client-parts.js';
import type { Clock } from '../../../src/core/clock.js';
import type { ClientOptions } from '../../../src/core/options.js';
import type { LifecycleListener, Platform } from '../../../src/core/platform.js';
import type { Dial } from '../../../src/core/transport.js';
import { Hub } from '../../../src/shared/hub.js';
import { type Locks, localPorts, type PortLike } from '../../../src/shared/port.js';
import { shareKey } from '../../../src/shared/posts.js';
import { TabConnection } from '../../../src/shared/tab-connection.js';
import { MemoryLocks } from '../../support/tabs.js';
import { Application, type Habits } from './application.js';
import type { Cable } from './cable.js';
import type { World } from './world.js';

/** Two ports that clone what passes, and hold it until it is delivered. */
class Line {
  readonly tab: PortLike = {
    onmessage: null,
    postMessage: (posts) => this.#post(this.isHeld ? this.#unposted : this.#toHub, posts),
    close: () => {},
  };
  readonly hub: PortLike = { onmessage: null, postMessage: (posts) => this.#post(this.#toTab, posts), close: () => {} };
  isHeld = false;
  /** Of the task that keeps the tab busy. */
  #unposted: unknown[] = [];
  #toHub: unknown[] = [];
  #toTab: unknown[] = [];
  #isCut = false;

  deliver(): boolean {
    const toTab = this.isHeld ? undefined : this.#toTab.shift();
    const toHub = this.#toHub.shift();
    if (toTab !== undefined) this.tab.onmessage?.({ data: toTab });
    if (toHub !== undefined) this.hub.onmessage?.({ data: toHub });
    return toTab !== undefined || toHub !== undefined;
  }

  /** The worker is no more. What it has posted is still on its way. */
  cutHub(): void {
    this.#isCut = true;
    this.#toHub = [];
  }

  /** The tab is busy: it neither hears nor posts until it is idle. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    for (const posts of this.#unposted.splice(0)) this.#post(this.#toHub, posts);
  }

  /** The tab is no more. What it has posted is still on its way. */
  cutTab(): void {
    this.tab.onmessage = null;
    this.isHeld = false;
    this.#unposted = [];
  }

  #post(queue: unknown[], posts: unknown): void {
    if (!this.#isCut) queue.push(structuredClone(posts));
  }
}

/** A page, or the worker: its timers, locks and ports end with it, and wait while it is busy. */
class Place {
  isBusy = false;
  isDead = false;
  readonly platform: Platform;
  readonly locks: Locks & { end(): void };
  readonly lines: Line[] = [];
  /** That it has dialled. */
  readonly cables: Cable[] = [];
  readonly #late: (() => void)[] = [];
  readonly #watchers = new Set<LifecycleListener>();

  constructor(world: World, locks: MemoryLocks) {
    const platform = world.clientPlatform;
    const origin = locks.place();
    const whenFree: Locks['whenFree'] = (name, call) => origin.whenFree(name, () => this.#do(call));
    this.locks = { ...origin, whenFree };
    const clock: Clock = {
      now: () => platform.clock.now(),
      after: (delayMs, call) => {
        let isCancelled = false;
        const due = () => {
          if (!isCancelled) call();
        };
        const cancel = platform.clock.after(delayMs, () => this.#do(due));
        return () => {
          isCancelled = true;
          cancel();
        };
      },
    };
    const makeEndOfTurn = () => {
      const inTurn = platform.makeEndOfTurn?.() as (call: () => void) => void;
      return (call: () => void) => inTurn(() => this.isDead || call());
    };
    const watch = (listener: LifecycleListener) => {
      this.#watchers.add(listener);
      return () => this.#watchers.delete(listener);
    };
    const dial: Dial = (request, events) => {
      const transport = platform.dial(request, events);
      this.cables.push(world.cable);
      return transport;
    };
    this.platform = { ...platform, dial, clock, makeEndOfTurn, lifecycle: { watch } };
  }

  #do(call: () => void): void {
    if (this.isDead) return;
    if (this.isBusy) this.#late.push(call);
    else call();
  }

  fire(event: keyof LifecycleListener): void {
    for (const watcher of [...this.#watchers]) watcher[event]();
  }

  beBusy(): void {
    this.isBusy = true;
    for (const line of this.lines) line.hold();
  }

  /** A timer that is late lets the page read first. */
  beIdle(): void {
    this.isBusy = false;
    for (const line of this.lines) {
      line.release();
      while (line.deliver());
    }
    for (const call of this.#late.splice(0)) call();
  }
}

export interface WorldTab {
  readonly place: Place;
  readonly application: Application;
}

/** Tabs that share a worker's session with a world's server. Everything is in memory, and moves when the test says so. */
export class TabsWorld {
  readonly world: World;
  readonly tabs: WorldTab[] = [];
  readonly servers: Application[] = [];
  readonly #session: ChannelOptions;
  readonly #options: ClientOptions;
  readonly #locks = new MemoryLocks();
  #worker: Place;
  #hub: Hub;

  constructor(world: World, session: ChannelOptions, options: ClientOptions = {}) {
    this.world = world;
    this.#session = session;
    this.#options = options;
    world.onServerClient((end) => this.servers.push(new Application(`server${this.servers.length}`, end)));
    this.#worker = this.#newWorker();
    this.#hub = this.#newHub();
  }

  open(habits?: Habits): WorldTab {
    const place = new Place(this.world, this.#locks);
    const parts = clientParts(place.platform, 'ws://test', 'insecure', this.#options, true);
    const mirrorParts = {
      ...parts,
      key: shareKey(undefined, 'ws://test/', parts.settings, this.#session),
      address: 'ws://test/',
      session: this.#session,
      locks: place.locks,
      watchVisibility: () => () => {},
      openWorker: () => this.#openLine(place),
      openLocal: () => {
        const [one, other] = localPorts();
        new Hub({ platform: place.platform, locks: undefined, makeSession: () => this.world.feature, makeRelay: () => undefined }).accept(
          other,
        );
        return one;
      },
    };
    const client = new Client({ ...parts, makeConnection: (host) => new TabConnection(mirrorParts, host) });
    const tab = { place, application: new Application(`tab${this.tabs.length}`, client, habits) };
    this.tabs.push(tab);
    client.connect().catch(() => {});
    return tab;
  }

  /** Without a word. */
  crash({ place }: WorldTab): void {
    place.isDead = true;
    for (const line of place.lines) line.cutTab();
    place.locks.end();
  }

  /** The worker's process dies; the next tab that asks starts another. */
  killWorker(): void {
    const dead = this.#worker;
    dead.isDead = true;
    for (const line of dead.lines) line.cutHub();
    this.world.kill(dead.cables);
    this.#worker = this.#newWorker();
    this.#hub = this.#newHub();
    dead.locks.end();
  }

  /** Everything that can moves, without time passing. */
  async settle(): Promise<void> {
    while (await this.move());
  }

  /** So many turns: a frame of each cable and a post of each port is delivered. False when nothing moved. */
  async move(turns = 1): Promise<boolean> {
    let hasMoved = false;
    for (let turn = 0; turn < turns; turn++) {
      // The posts of a turn are its microtasks.
      await new Promise(setImmediate);
      hasMoved = this.world.move();
      for (const { place } of this.tabs) for (const line of place.lines) hasMoved = line.deliver() || hasMoved;
    }
    return hasMoved;
  }

  async pass(ms: number): Promise<void> {
    const { clock } = this.world;
    let left = ms;
    await this.settle();
    for (let next = clock.nextDelayMs; next !== undefined && next <= left; next = clock.nextDelayMs) {
      clock.pass(next);
      left -= next;
      await this.settle();
    }
    clock.pass(left);
  }

  #openLine(place: Place): PortLike {
    const line = new Line();
    line.isHeld = place.isBusy;
    place.lines.push(line);
    this.#worker.lines.push(line);
    this.#hub.accept(line.hub);
    return line.tab;
  }

  #newWorker(): Place {
    return new Place(this.world, this.#locks);
  }

  #newHub(): Hub {
    const { platform, locks } = this.#worker;
    return new Hub({ platform, locks, makeSession: () => this.world.feature, makeRelay: () => undefined });
  }
}
