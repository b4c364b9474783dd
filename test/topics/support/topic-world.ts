import { MemoryBroker } from '../../../src/backplane/memory.js';
import type { WebsocketError } from '../../../src/core/errors.js';
import { Broadcast } from '../../../src/server/broadcast.js';
import { resolveTopics, type TopicOptions } from '../../../src/server/topic-options.js';
import { Topics } from '../../../src/server/topics.js';
import type { ServerClient } from '../../../src/server/types.js';
import { FEATURE_TOPICS } from '../../../src/session/codec.js';
import type { ServerChannel } from '../../../src/session/server-session.js';
import { FakeClock } from '../../session/support/fake-clock.js';
import { World } from '../../session/support/world.js';
import { seededRandom } from '../../support/seeded-random.js';
import { FaultyBackplane } from './faulty-backplane.js';

/** Small bounds, so that short schedules reach all of them. */
const small = {
  windowBytes: 2_000,
  replayBytes: 3_600,
  chunkBytes: 200,
  transportMarkBytes: 400,
  maxMessageBytes: 16_384,
  outbox: { highWaterBytes: 2_000, maxBytes: 6_000 },
  features: FEATURE_TOPICS,
};

const STEP_MS = 2_000;

export interface TopicWorldOptions {
  readonly topics?: TopicOptions;
  readonly resumeWindowMs?: number;
  readonly isPaced?: boolean;
}

/** What the application has not decided yet. */
interface Question {
  readonly topic: string;
  readonly decide: (isPermitted: boolean) => void;
}

/** A client and a server with topics, over the cables of a `World`. */
export class TopicWorld {
  readonly world: World;
  readonly topics: Topics;
  readonly backplane: FaultyBackplane;
  readonly errors: WebsocketError[] = [];
  readonly questions: Question[] = [];
  /** How the application answers: at once, later, or with a grant that expires after so long. */
  answer: 'yes' | 'no' | 'later' | number = 'yes';
  /** Of the backplane, whose timers outlive every client. */
  readonly #storeClock = new FakeClock();

  constructor(options: TopicWorldOptions = {}) {
    const broadcast = new Broadcast();
    const extend = (channel: ServerChannel) => {
      const client = this.world.serverClients.find((one) => this.world.channelOf(one) === channel) as unknown as ServerClient;
      channel.extension('topics', (port) => this.topics.sessionOf(client, port));
    };
    this.world = new World({
      client: small,
      server: { ...small, shared: broadcast, extend },
      registry: { resumeWindowMs: options.resumeWindowMs ?? 1e12 },
      options: { closeTimeoutMs: 60_000 },
      isPaced: options.isPaced ?? false,
    });
    this.backplane = new FaultyBackplane(new MemoryBroker({ clock: this.#storeClock, random: seededRandom(1) }).backplane());
    this.topics = new Topics(
      {
        authorize: (_client, _action, topic) => this.#authorize(topic),
        authorizeTimeoutMs: 5_000,
        backplane: this.backplane,
        topics: resolveTopics(options.topics, small.maxMessageBytes),
      },
      broadcast,
      (error) => this.errors.push(error),
      () => 'user',
      // Small, so that most slow subscribers read the log.
      { clock: this.world.clock, ringEntries: 3, pageEntries: 2 },
    );
  }

  async open(): Promise<this> {
    this.world.open();
    await this.settle();
    return this;
  }

  /** Until nothing moves without time passing. */
  async settle(): Promise<void> {
    do {
      this.world.settle();
      await microtasks();
    } while (this.world.move());
  }

  async pass(ms: number): Promise<void> {
    await this.settle();
    // In steps: what a timer causes may need promises before the next one.
    for (let left = ms; left > 0; left -= STEP_MS) {
      this.world.clock.pass(Math.min(left, STEP_MS), () => this.world.settle());
      this.#storeClock.pass(Math.min(left, STEP_MS));
      await this.settle();
    }
  }

  /** As much time without a chance for anything to move but what timers do. */
  async passQuietly(ms: number): Promise<void> {
    this.world.clock.pass(ms, () => this.world.endTurn());
    this.#storeClock.pass(ms);
    await microtasks();
  }

  #authorize(topic: string): boolean | { expiresAt: Date } | Promise<boolean> {
    const { answer } = this;
    if (typeof answer === 'number') return { expiresAt: new Date(this.world.clock.now() + answer) };
    if (answer !== 'later') return answer === 'yes';
    return new Promise((resolve) => this.questions.push({ topic, decide: resolve }));
  }
}

/** Lets every promise that can settle do so. */
export function microtasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
