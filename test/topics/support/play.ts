import type { Message } from '../../../src/core/types.js';
import { publish, subscribe } from '../../../src/entry/topics.js';
import type { Side } from '../../session/support/schedule.js';
import { readAll } from '../../session/support/world.js';
import { Reader } from './reader.js';
import { type Move, TOPICS } from './schedule.js';
import { microtasks, type TopicWorld } from './topic-world.js';

/** A publish, and what became of it. */
export interface Published {
  readonly topic: string;
  readonly text: string;
  readonly isVolatile: boolean;
  readonly abort: AbortController;
  outcome: 'pending' | 'rejected' | { readonly position: string | undefined };
  code?: string;
}

/** Plays a schedule, then lets everything heal and reads to the end. */
export class Play {
  readonly readers: Reader[] = [];
  readonly published: Published[] = [];
  readonly sent: Record<Side, string[]> = { client: [], server: [] };
  readonly received: Record<Side, Message[]> = { client: [], server: [] };
  readonly #test: TopicWorld;
  #count = 0;

  constructor(test: TopicWorld) {
    this.#test = test;
  }

  async run(moves: readonly Move[]): Promise<void> {
    // So that every schedule has one that is granted.
    this.#subscribe(TOPICS[0], 'now', 1_024);
    await this.#test.settle();
    for (const move of moves) {
      this.#move(move);
      await microtasks();
    }
    await this.#heal();
  }

  /** The client closes, and nothing of it may be left. */
  async close(): Promise<void> {
    const { world } = this.#test;
    void world.client.close();
    for (const client of world.serverClients) void client.close();
    await this.#test.pass(70_000);
  }

  #move(move: Move): void {
    const { world, backplane } = this.#test;
    switch (move.do) {
      case 'publish':
        this.#publish(move.side, TOPICS[move.topic] as string, move.bytes, move.isVolatile);
        break;
      case 'abortPublish':
        this.published.find(({ outcome }) => outcome === 'pending')?.abort.abort();
        break;
      case 'subscribe':
        this.#subscribe(TOPICS[move.topic] as string, move.from, move.windowBytes);
        break;
      case 'unsubscribe':
        this.readers.splice(move.which, 1)[0]?.abort.abort();
        break;
      case 'read':
        this.readers[move.which]?.take(move.count);
        break;
      case 'send':
        this.#send(move.side, move.bytes);
        break;
      case 'receive':
        this.#receive(move.side, move.count);
        break;
      case 'turn':
        world.endTurn();
        break;
      case 'deliver':
        for (let frame = 0; frame < move.frames; frame++) world.cable.deliver(move.from);
        break;
      case 'cut':
        world.cable.isCut = move.isDead;
        for (const told of move.told) world.cable[told].lose();
        break;
      case 'freeze':
        world.cable.isFrozen = move.isFrozen;
        break;
      case 'refuse':
        world.isRefusing = move.isRefusing;
        break;
      case 'pass':
        void this.#test.passQuietly(move.ms);
        break;
      case 'answer':
        this.#test.answer = move.answer;
        break;
      case 'decide':
        this.#test.questions.shift()?.decide(move.isPermitted);
        break;
      case 'revoke':
        void this.#test.topics.revoke(TOPICS[move.topic] as string, 'user');
        break;
      case 'fail':
        backplane.fail(move.call, move.faults);
        break;
      case 'drop':
        backplane.pushesToDrop += move.pushes;
        break;
      case 'delay':
        backplane.isDelayed = move.isDelayed;
        break;
      case 'loseLogs':
        backplane.loseLogs();
    }
  }

  #publish(side: Side, topic: string, bytes: number, isVolatile: boolean): void {
    const text = this.#text(bytes);
    const published: Published = { topic, text, isVolatile, abort: new AbortController(), outcome: 'pending' };
    const options = { volatile: isVolatile, signal: published.abort.signal };
    const { world, topics } = this.#test;
    const done = side === 'client' ? publish(world.client, topic, text, options) : topics.publish(topic, text, options);
    this.published.push(published);
    done.then(
      (position) => {
        published.outcome = { position };
      },
      ({ code }) => {
        published.outcome = 'rejected';
        published.code = code;
      },
    );
  }

  #subscribe(topic: string, from: 'now' | 'oldest' | number, windowBytes: number): void {
    const log = this.#test.backplane.logOf(topic);
    const start = typeof from === 'string' ? from : (log[from]?.position ?? 'now');
    const options = { from: start, windowBytes };
    const position = start === 'now' || start === 'oldest' ? undefined : start;
    this.readers.push(new Reader(topic, position, (signal) => subscribe(this.#test.world.client, topic, { ...options, signal })));
  }

  #send(side: Side, bytes: number): void {
    const { client, serverClient } = this.#test.world;
    const text = this.#text(bytes);
    try {
      (side === 'client' ? client : serverClient).sendMessage(text);
      this.sent[side].push(text);
    } catch (error) {
      if (!['OUTBOX_FULL', 'NOT_OPEN'].includes((error as { code: string }).code)) throw error;
    }
  }

  #receive(side: Side, max: number): number {
    const { client, serverClient } = this.#test.world;
    const messages = readAll(side === 'client' ? client : serverClient, max);
    this.received[side].push(...messages);
    return messages.length;
  }

  #text(bytes: number): string {
    this.#count += 1;
    return `${this.#count}:`.padEnd(bytes, 'x');
  }

  #takeAll(): number {
    let count = this.#receiveAll();
    for (const reader of this.readers) count += reader.take();
    return count;
  }

  #receiveAll(): number {
    return (['client', 'server'] as const).reduce((count, side) => count + this.#receive(side, Number.POSITIVE_INFINITY), 0);
  }

  async #heal(): Promise<void> {
    const { world, backplane, questions } = this.#test;
    world.isRefusing = false;
    for (const cable of world.cables) cable.isFrozen = false;
    backplane.pushesToDrop = 0;
    backplane.isDelayed = false;
    backplane.endFaults();
    this.#test.answer = 'yes';
    for (const { decide } of questions.splice(0)) decide(true);
    await this.#quiet(6);
    // The entries that show every gap.
    for (const topic of TOPICS) this.#publish('server', topic, 1, false);
    await this.#quiet(4);
  }

  async #quiet(rounds: number): Promise<void> {
    for (let quiet = 0; quiet < rounds; quiet++) {
      await this.#test.pass(10_000);
      if (this.#takeAll() > 0) quiet = Math.min(quiet, rounds - 2);
    }
  }
}
