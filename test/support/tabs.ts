import { Client } from '../../src/core/client.js';
import { type ChannelFeature, clientParts } from '../../src/core/client-parts.js';
import type { ClientOptions } from '../../src/core/options.js';
import { PlainChannel } from '../../src/core/plain-channel.js';
import type { Address } from '../../src/core/types.js';
import { sessionDefaults } from '../../src/session/feature.js';
import { Hub } from '../../src/shared/hub.js';
import { type Locks, localPorts, type PortLike } from '../../src/shared/port.js';
import { shareKey } from '../../src/shared/posts.js';
import { TabConnection, type TabConnectionParts } from '../../src/shared/tab-connection.js';
import { settle } from './fake-clock.js';
import { MemoryPlatform } from './memory-platform.js';

/** Web Locks of one origin, held by contexts that can end. */
export class MemoryLocks {
  readonly #held = new Map<string, { release(): void; readonly waiting: (() => void)[] }>();

  /** The locks as one tab or worker uses them, and their release when it ends. */
  place(): Locks & { end(): void } {
    const mine = new Set<() => void>();
    return {
      hold: (name, held) => {
        const waiting: (() => void)[] = [];
        const release = () => {
          if (!this.#held.delete(name)) return;
          for (const call of waiting) call();
        };
        this.#held.set(name, { release, waiting });
        mine.add(release);
        queueMicrotask(held);
        return release;
      },
      whenFree: (name, call) => {
        let isStopped = false;
        const lock = this.#held.get(name);
        const once = () => isStopped || call();
        if (lock === undefined) queueMicrotask(once);
        else lock.waiting.push(once);
        return () => {
          isStopped = true;
        };
      },
      end: () => {
        for (const release of mine) release();
      },
    };
  }
}

/** A port that clones messages, as real ones do, and can stop delivering, like that of a page that hangs. */
class TestPort implements PortLike {
  onmessage: PortLike['onmessage'] = null;
  isFrozen = false;
  /** Its process has ended. */
  isCut = false;
  readonly #port: PortLike;
  readonly #kept: unknown[] = [];

  constructor(port: PortLike) {
    this.#port = port;
    port.onmessage = ({ data }) => {
      if (this.isCut) return;
      if (this.isFrozen) this.#kept.push(data);
      else this.onmessage?.({ data });
    };
  }

  postMessage(posts: unknown): void {
    if (!this.isCut) this.#port.postMessage(structuredClone(posts));
  }

  thaw(): void {
    this.isFrozen = false;
    for (const data of this.#kept.splice(0)) this.onmessage?.({ data });
  }

  close(): void {}
}

export interface Tab {
  readonly client: Client;
  /** The platform of the tab: its page's lifecycle, and its own sockets when there is no worker. */
  readonly platform: MemoryPlatform;
  /** The latest. */
  port(): TestPort;
  /** The page becomes visible or hidden. */
  show(isVisible: boolean): void;
  /** The tab ends without notice. */
  crash(): void;
}

export interface TabOptions extends ClientOptions {
  readonly address?: Address;
  readonly key?: string;
  readonly retryFirstAttempt?: boolean;
  /** The tab's side of a session over a plain channel. */
  readonly hasSession?: boolean;
  /** Hidden by default. */
  readonly isVisible?: boolean;
}

/** Each has its own random source, because lock names are made of it. */
function pagePlatform(seed: number): MemoryPlatform {
  return new MemoryPlatform({ canPing: false, canPause: false, seed: seed + 1 });
}

/** A session as far as a tab sees it, without its records. */
function plainSession(): ChannelFeature {
  return { name: 'gem.1', options: sessionDefaults, makeChannel: (settings) => (context) => new PlainChannel(context, settings.outbox) };
}

/** Whether a page is visible, and the reports of its changes. */
class Visibility {
  readonly #platform: MemoryPlatform;
  readonly #watchers = new Set<(isVisible: boolean) => void>();
  #isVisible: boolean;

  constructor(platform: MemoryPlatform, isVisible: boolean) {
    this.#platform = platform;
    this.#isVisible = isVisible;
  }

  set(isVisible: boolean): void {
    this.#isVisible = isVisible;
    for (const report of this.#watchers) report(isVisible);
    if (isVisible) this.#platform.fire('woken');
  }

  watch(report: (isVisible: boolean) => void): () => void {
    this.#watchers.add(report);
    report(this.#isVisible);
    return () => this.#watchers.delete(report);
  }
}

/** One origin: its worker and its tabs, all in this process. */
export class Origin {
  /** The platform of the worker. */
  platform = pagePlatform(0);
  /** False: a worker that never answers. */
  hasWorker = true;
  readonly #locks = new MemoryLocks();
  #place = this.#locks.place();
  #made = 0;
  #workerPorts: TestPort[] = [];
  #hub = this.#start();

  tab({
    address = 'wss://example.com/game',
    key,
    retryFirstAttempt = false,
    hasSession = false,
    isVisible = false,
    ...options
  }: TabOptions = {}): Tab {
    this.#made += 1;
    const platform = pagePlatform(this.#made);
    const visibility = new Visibility(platform, isVisible);
    const locks = this.#locks.place();
    let latest: TestPort | undefined;
    const parts = clientParts(platform, address, 'insecure', options, retryFirstAttempt);
    const session = hasSession ? plainSession().options : undefined;
    const fixed = typeof address === 'function' ? undefined : (parts.target() as URL).href;
    const openWorker = (): PortLike => {
      const [one, other] = localPorts();
      latest = new TestPort(one);
      if (this.hasWorker) {
        const port = new TestPort(other);
        this.#workerPorts.push(port);
        this.#hub.accept(port);
      }
      return latest;
    };
    const openLocal = (): PortLike => {
      const [one, other] = localPorts();
      new Hub({ platform, locks: undefined, makeSession: plainSession, makeRelay: () => undefined }).accept(other);
      return one;
    };
    const tabParts: TabConnectionParts = {
      ...parts,
      key: shareKey(key, fixed, parts.settings, session),
      address: fixed,
      session,
      locks,
      watchVisibility: (report) => visibility.watch(report),
      openWorker,
      openLocal,
    };
    const client = new Client({ ...parts, makeConnection: (owner) => new TabConnection(tabParts, owner) });
    const crash = () => {
      (latest as TestPort).isFrozen = true;
      locks.end();
    };
    return { client, platform, port: () => latest as TestPort, show: (isShown) => visibility.set(isShown), crash };
  }

  /** A tab that has joined or opened a connection. */
  async open(options?: TabOptions): Promise<Tab> {
    const tab = this.tab(options);
    const before = this.platform.transports.length;
    const connected = tab.client.connect();
    // A new key opens a connection, after the microtasks of the posts.
    await new Promise(setImmediate);
    if (this.platform.transports.length > before) this.platform.transport.accept();
    await connected;
    return tab;
  }

  /** The worker's side of the latest port. */
  get workerPort(): TestPort {
    return this.#workerPorts.at(-1) as TestPort;
  }

  /** The worker's process ends; the next tab that asks starts another. */
  killWorker(): void {
    const place = this.#place;
    for (const port of this.#workerPorts.splice(0)) port.isCut = true;
    this.#made += 1;
    this.platform = pagePlatform(this.#made);
    this.#place = this.#locks.place();
    this.#hub = this.#start();
    place.end();
  }

  #start(): Hub {
    return new Hub({ platform: this.platform, locks: this.#place, makeSession: plainSession, makeRelay: () => undefined });
  }
}

/** Reconnects without a delay worth mentioning. */
export const AT_ONCE = { minDelayMs: 1, maxDelayMs: 1 };

/** The connection is lost in the network. */
export async function breakOff(origin: Origin): Promise<void> {
  origin.platform.transport.breakOff();
  await settle();
}

/** The worker's next attempt begins, with the delays of `AT_ONCE`. */
export async function redial(origin: Origin): Promise<void> {
  await origin.platform.clock.advance(1);
  await settle();
}
