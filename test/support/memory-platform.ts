import type { LifecycleListener, Platform } from '../../src/core/platform.js';
import type { DialRequest, TransportEvents } from '../../src/core/transport.js';
import { FakeClock } from './fake-clock.js';
import { MemoryTransport, type TransportAbilities } from './memory-transport.js';
import { seededRandom } from './seeded-random.js';

export interface MemoryPlatformOptions extends Partial<TransportAbilities> {
  readonly seed?: number;
  readonly acceptsNodeOptions?: boolean;
  /** Plays the peer for every transport once the caller has it. Without it, the test plays the peer by hand. */
  readonly answer?: (transport: MemoryTransport, attempt: number) => void;
}

/** A platform without a network, whose time, randomness, transports and lifecycle the test controls. */
export class MemoryPlatform implements Platform {
  readonly name = 'memory';
  readonly clock = new FakeClock();
  readonly random: () => number;
  readonly acceptsNodeOptions: boolean;
  /** Every transport so far, the latest last. */
  readonly transports: MemoryTransport[] = [];
  readonly reported: unknown[] = [];
  readonly #watchers = new Set<LifecycleListener>();
  readonly #options: MemoryPlatformOptions;

  constructor(options: MemoryPlatformOptions = {}) {
    this.#options = options;
    this.random = seededRandom(options.seed ?? 1);
    this.acceptsNodeOptions = options.acceptsNodeOptions ?? true;
  }

  readonly lifecycle = {
    watch: (listener: LifecycleListener) => {
      this.#watchers.add(listener);
      return () => {
        this.#watchers.delete(listener);
      };
    },
  };

  /** The latest transport. */
  get transport(): MemoryTransport {
    const transport = this.transports.at(-1);
    if (transport === undefined) throw new Error('Nothing was dialled yet.');
    return transport;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  readonly dial = (request: DialRequest, events: TransportEvents): MemoryTransport => {
    const { canPing = true, canPause = true, answer } = this.#options;
    const transport = new MemoryTransport(request, events, { canPing, canPause });
    const attempt = this.transports.push(transport);
    if (answer !== undefined) queueMicrotask(() => answer(transport, attempt));
    return transport;
  };

  readonly report = (error: unknown): void => {
    this.reported.push(error);
  };

  /** Emits a lifecycle event of the page or the process. */
  fire(event: keyof LifecycleListener): void {
    for (const watcher of [...this.#watchers]) watcher[event]();
  }
}
