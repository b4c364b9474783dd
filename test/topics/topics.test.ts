import { describe, expect, it } from 'vitest';
import type { WebsocketError } from '../../src/core/errors.js';
import type { Continuity } from '../../src/core/types.js';
import { publish, type Subscription, subscribe } from '../../src/entry/topics.js';
import { microtasks, TopicWorld, type TopicWorldOptions } from './support/topic-world.js';

function open(options: TopicWorldOptions = {}): Promise<TopicWorld> {
  return new TopicWorld(options).open();
}

/** What comes of the call once everything has moved. */
async function settled<T>(test: TopicWorld, promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await test.settle();
  return promise;
}

async function publishAll({ topics }: TopicWorld, texts: readonly string[]): Promise<void> {
  for (const text of texts) await topics.publish('news', text, {});
}

function textsOf(subscription: Subscription): unknown[] {
  const texts: unknown[] = [];
  for (let next = subscription.getMessage(); next !== undefined; next = subscription.getMessage()) texts.push(next.message);
  return texts;
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `${index}`);

describe('a publish', () => {
  it('that has to be fragmented is published once, and so are those after it', async () => {
    const test = await open({ topics: { historyMessages: 1_000 } });
    const texts = numbered(12).map((text) => text.padEnd(400, 'x'));
    await settled(test, Promise.all(texts.map((text) => publish(test.world.client, 'news', text))));
    expect(test.backplane.logOf('news').map(({ text }) => text)).toEqual(texts);
  });

  it('that is volatile and dropped without a connection leaves the bound of those that wait as it was', async () => {
    const test = await open();
    test.world.isRefusing = true;
    test.world.cut();
    for (let count = 0; count < 100; count++) await publish(test.world.client, 'news', 'x'.repeat(100), { volatile: true });
    const results = Promise.allSettled(Array.from({ length: 100 }, () => publish(test.world.client, 'news', 'x'.repeat(99))));
    void test.world.client.close();
    await test.pass(70_000);
    const codes = (await results).map((result) => (result as PromiseRejectedResult).reason.code);
    expect(codes.filter((code) => code === 'OUTBOX_FULL')).toHaveLength(40);
  });

  it('whose answer the client does not read takes credit, so that it cannot start any number', async () => {
    const test = await open();
    const { cable } = test.world;
    for (let round = 0; round < 400; round++) {
      publish(test.world.client, 'news', 'x').catch(() => {});
      test.world.endTurn();
      while (cable.deliver('client'));
      await microtasks();
    }
    // The server's window is 2,000 bytes. Its transport takes 400 bytes of answers; the others wait.
    expect(test.topics.metrics.messagesPublished).toBeLessThan(100);
    await test.settle();
    expect(test.topics.metrics.messagesPublished).toBe(400);
  });
});

describe('a subscription', () => {
  it('to a topic without any message counts what it has missed from the first one on', async () => {
    const test = await open({ topics: { historyMessages: 5 } });
    const subscription = await settled(test, subscribe(test.world.client, 'news'));
    const reports: Continuity[] = [];
    subscription.on('continuity', (report) => reports.push(report));
    test.world.cut();
    await publishAll(test, numbered(20));
    await test.pass(10_000);
    expect(reports).toMatchObject([{ resumed: true, replayed: 5, lost: 15 }]);
    expect(textsOf(subscription)).toEqual(numbered(20).slice(15));
  });

  it('counts what it has missed once, also if it loses its connection before it has read the rest', async () => {
    const test = await open({ topics: { historyMessages: 4 } });
    const subscription = await settled(test, subscribe(test.world.client, 'news', { windowBytes: 1_024 }));
    let lost = 0;
    subscription.on('continuity', (report) => {
      lost += report.lost ?? Number.NaN;
    });
    const texts = numbered(60).map((text) => text.padEnd(200, 'x'));
    for (const text of texts) {
      await publishAll(test, [text]);
      await test.settle();
      if (Number(text.slice(0, 2)) % 20 === 0) test.world.cut();
    }
    const read: unknown[] = [];
    for (let quiet = 0; quiet < 4; quiet++) {
      await test.pass(10_000);
      read.push(...textsOf(subscription));
    }
    expect(read.at(-1)).toBe(texts.at(-1));
    expect(read.length + lost).toBe(60);
  });

  it('reports events that arrive with the grant to the first listener', async () => {
    const test = await open();
    const pending = subscribe(test.world.client, 'news');
    test.world.endTurn();
    while (test.world.cable.deliver('client'));
    await microtasks();
    await test.topics.revoke('news', 'user');
    const subscription = await settled(test, pending);
    const errors: WebsocketError[] = [];
    subscription.on('revoked', (error) => errors.push(error));
    await test.settle();
    expect(errors).toMatchObject([{ code: 'FORBIDDEN' }]);
  });

  it('that is not granted in a new session has a `revoked` event', async () => {
    const test = await open({ resumeWindowMs: 1 });
    const subscription = await settled(test, subscribe(test.world.client, 'news'));
    const errors: WebsocketError[] = [];
    subscription.on('revoked', (error) => errors.push(error));
    test.answer = 'no';
    test.world.cut();
    await test.pass(10_000);
    expect(test.world.serverClients).toHaveLength(2);
    expect(errors).toMatchObject([{ code: 'FORBIDDEN' }]);
  });
});

describe('a node that is not pushed everything', () => {
  it('reports what a topic without a history has lost, and reads the log once', async () => {
    const test = await open({ topics: { historyMessages: 0 } });
    const subscription = await settled(test, subscribe(test.world.client, 'news'));
    const reports: Continuity[] = [];
    subscription.on('continuity', (report) => reports.push(report));
    await publishAll(test, ['0']);
    test.backplane.pushesToDrop = 3;
    await publishAll(test, ['1', '2', '3', '4', '5']);
    await test.settle();
    expect(textsOf(subscription)).toEqual(['0', '4', '5']);
    expect(reports).toMatchObject([{ resumed: true, lost: 3 }]);
    expect(test.topics.metrics.topicGaps).toBe(1);
  });

  it('reads the log again after a failure, without another push', async () => {
    const test = await open();
    const subscription = await settled(test, subscribe(test.world.client, 'news'));
    test.backplane.pushesToDrop = 1;
    test.backplane.fail('read', ['down', 'timeout']);
    await publishAll(test, ['0', '1']);
    await test.settle();
    expect(textsOf(subscription)).toEqual([]);
    await test.pass(5_000);
    expect(textsOf(subscription)).toEqual(['0', '1']);
  });
});
