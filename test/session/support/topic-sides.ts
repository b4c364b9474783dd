import type { WebsocketError } from '../../../src/core/errors.js';
import type { Continuity, Message } from '../../../src/core/types.js';
import { Broadcast } from '../../../src/server/broadcast.js';
import { resolveServerOptions } from '../../../src/server/options.js';
import { Topics } from '../../../src/server/topics.js';
import type { ServerClient } from '../../../src/server/types.js';
import { FEATURE_TOPICS } from '../../../src/session/codec.js';
import { AWAY, REFUSALS } from '../../../src/topics/records.js';
import { presence, publish, subscribe } from '../../../src/topics/topics.js';
import type { Presence, Subscription } from '../../../src/topics/types.js';
import { numberedPositions } from './numbered-positions.js';
import { ClientSide, ServerSide, type Side } from './sides.js';

export interface VectorContinuity {
  readonly resumed: boolean;
  readonly replayed: number;
  readonly lost: number | null;
}

/** Runs until nothing moves. The records of topics are answered after turns of the event loop, not by time. */
export async function settle(side: Side): Promise<void> {
  for (let turns = 0; turns < 5; turns++) {
    side.settle();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A client and what its topics report: of subscriptions by topic, of publishes in their order. */
export class TopicClientSide extends ClientSide {
  readonly subscriptions = new Map<string, Subscription>();
  readonly presences = new Map<string, Presence>();
  readonly granted = new Map<string, string>();
  readonly refusals: { readonly topic: string; readonly reason: number | null }[] = [];
  readonly continuities: (VectorContinuity & { readonly topic: string })[] = [];
  readonly revoked: string[] = [];
  readonly published: string[] = [];

  constructor() {
    super(FEATURE_TOPICS);
    // The ids of publishes are m-1, m-2 and so on.
    Object.assign(this.client, { id: 'm' });
  }

  subscribe(topic: string, from: string, windowBytes: number): void {
    subscribe(this.client, topic, { from, windowBytes }).then(
      (subscription) => this.#watch(topic, subscription),
      (error) => this.#refused(topic, error),
    );
  }

  publish(topic: string, message: Message, isVolatile: boolean): void {
    publish(this.client, topic, message, { volatile: isVolatile }).then(
      (position) => this.published.push(position ?? ''),
      (error) => this.#refused(topic, error),
    );
  }

  join(topic: string, data: unknown): void {
    presence(this.client, topic, { data }).then(
      (joined) => this.presences.set(topic, joined),
      (error) => this.#refused(topic, error),
    );
  }

  /** The members with the states of the wire. */
  membersOf(topic: string): Record<string, unknown>[] {
    const members = [...(this.presences.get(topic)?.members.values() ?? [])];
    return members.map(({ state, ...member }) => ({ ...member, state: state === 'away' ? AWAY : 0 }));
  }

  topicReads(topic: string, count: number): (Message | undefined)[] {
    return Array.from({ length: count }, () => this.subscriptions.get(topic)?.getMessage()?.message);
  }

  #watch(topic: string, subscription: Subscription): void {
    this.subscriptions.set(topic, subscription);
    this.granted.set(topic, subscription.position ?? '');
    subscription.on('continuity', ({ resumed, replayed, lost }: Continuity) => {
      this.continuities.push({ topic, resumed, replayed, lost: lost ?? null });
    });
    subscription.on('revoked', () => this.revoked.push(topic));
  }

  #refused(topic: string, { code }: WebsocketError): void {
    this.refusals.push({ topic, reason: code === 'UNSUPPORTED' ? null : REFUSALS.indexOf(code as 'FORBIDDEN') + 1 });
  }
}

/** A server whose clients may use every topic except `secret`, with the last three messages of each. */
export class TopicServerSide extends ServerSide {
  readonly topics: Topics;

  constructor() {
    const topics = new Topics(
      resolveServerOptions({
        authorize: (_client, _action, topic) => topic !== 'secret',
        backplane: numberedPositions(),
        topics: { historyMessages: 3 },
      }),
      new Broadcast(),
      (error) => {
        throw error;
      },
      () => 'anyone',
    );
    super({
      features: FEATURE_TOPICS,
      extend: (channel) =>
        channel.extension('topics', (port) => topics.sessionOf((this as ServerSide).client as unknown as ServerClient, port)),
    });
    this.topics = topics;
  }
}
