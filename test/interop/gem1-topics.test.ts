import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Continuity, type IWebsocketClient, type Message, WebsocketClient } from '../../src/entry/node.js';
import { listen, type ServerClient, type WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { presence, publish, type Subscription, subscribe } from '../../src/entry/topics.js';
import { describeWith } from '../support/needs.js';
import { limit } from '../support/pace.js';
import type { Program } from '../support/programs.js';
import { startProxy } from '../support/proxy.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';
import { asText, disturb, isMessage, randomMessage, SEED, startPeer } from './gem1.js';

const MESSAGES = Number(process.env.GEM1_TOPIC_MESSAGES ?? 500);
const CUTS = Number(process.env.GEM1_CUTS ?? 15);
const options = {
  maxMessageBytes: 65_536,
  liveness: { pingMs: limit(300), timeoutMs: limit(300) },
  reconnect: { minDelayMs: 5, maxDelayMs: 50 },
};
const OLD = Array.from({ length: 10 }, (_, index) => `old ${index}`);
const MORE = ['more 0', 'more 1', 'more 2'];

/** The report of the Python peer at its end. */
interface Report {
  readonly received: number;
  readonly wrong: string | null;
  /** Of its continuity reports, those that are not 0. */
  readonly lost: readonly (number | null)[];
  readonly reports: number;
  readonly resumed: number;
  readonly lostSessions: number;
}

const unharmed = { received: MESSAGES, wrong: null, lost: [] };

/** Sessions that survive a cut, and sessions that end with it, so that every request is made again. */
const WINDOWS = [
  ['sessions that are resumed', 120_000],
  ['a new session after each cut', 1],
] as const;

function startTopics(python: string, resumeWindowMs: number, ...args: (string | number)[]): Program {
  return startPeer(python, 'topic_main', ...args, '--messages', MESSAGES, '--resume-window', resumeWindowMs);
}

/** Reads messages until there are so many. A loop over the subscription is slow at times, so that its window fills. */
async function readAll(subscription: Subscription, random: () => number, read: { count: number }): Promise<string | undefined> {
  let wrong: string | undefined;
  for await (const { message } of subscription) {
    if (wrong === undefined && !isMessage(message, read.count)) wrong = `message ${read.count} is ${asText(message).slice(0, 40)}`;
    read.count += 1;
    if (read.count === MESSAGES) return wrong;
    if (random() < 0.02) await sleep(random() * 10);
  }
  return wrong ?? `only ${read.count} messages`;
}

async function publishAll(publishOne: (message: Message) => Promise<unknown>, random: () => number): Promise<void> {
  const published: Promise<unknown>[] = [];
  for (let index = 0; index < MESSAGES; index++) {
    published.push(publishOne(randomMessage(index, random)));
    if (random() < 0.1) await sleep(random() * 10);
    if (published.length % 100 === 0) await Promise.all(published);
  }
  await Promise.all(published);
}

/** The messages of a subscription, once there are so many, and its first report. */
async function begin(client: IWebsocketClient, from: string, count: number): Promise<[Message[], Partial<Continuity>[], string]> {
  const messages: Message[] = [];
  const reports: Continuity[] = [];
  const subscription = await subscribe(client, 'history', ({ message }) => messages.push(message), { from });
  subscription.on('continuity', (report) => reports.push(report));
  await until(() => messages.length >= count, `the history from ${from}`);
  await subscription.unsubscribe();
  return [messages, reports, subscription.position as string];
}

async function tryPresence(client: IWebsocketClient): Promise<void> {
  const observer = await presence(client, 'lobby', { observe: true });
  const dataOfMembers = () => [...observer.members.values()].map(({ data }) => data);
  const hasData = (data: unknown[]) =>
    until(() => JSON.stringify(dataOfMembers()) === JSON.stringify(data), `members with ${JSON.stringify(data)}`);
  const member = await presence(client, 'lobby', { data: { n: 1 } });
  await hasData([{ n: 1 }]);
  await member.update({ n: 2 });
  await hasData([{ n: 2 }]);
  await member.leave();
  await hasData([]);
  await observer.leave();
}

/** As the peer in Python does it: topic_main.py. */
async function tryTopics(client: IWebsocketClient): Promise<void> {
  await expect(subscribe(client, 'secret')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(publish(client, 'secret', 'hi')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  const [old, , position] = await begin(client, 'oldest', OLD.length);
  expect(old).toEqual(OLD);
  const positions = await Promise.all(MORE.map((text) => publish(client, 'history', text)));
  const [more, reports, last] = await begin(client, position, MORE.length);
  expect(more).toEqual(MORE);
  expect(reports).toMatchObject([{ resumed: true, replayed: 3, lost: 0 }]);
  expect(last).toBe(positions.at(-1));
  const [all, otherReports] = await begin(client, 'nonsense', OLD.length + MORE.length);
  expect(all).toEqual([...OLD, ...MORE]);
  expect(otherReports).toMatchObject([{ resumed: false, replayed: 13, lost: undefined }]);
  await tryPresence(client);
  await using live = await subscribe(client, 'live');
  // A volatile message may be dropped.
  for (let received = live.getMessage(); received?.message !== 'now'; received = live.getMessage()) {
    expect(await publish(client, 'live', 'now', { volatile: true })).toBeUndefined();
    await sleep(1);
  }
}

describeWith('pythonWebsockets', 'topics between this library and the peer in Python', (python) => {
  it.each(WINDOWS)('our client and its server, with disconnects and %s: each message once, in order', async (_name, resumeWindowMs) => {
    const random = seededRandom(SEED);
    await using server = startTopics(python, resumeWindowMs, 'server', 0);
    await until(() => server.output.includes('\n'), 'the Python server listens');
    const proxy = await startProxy(Number(server.output.split('\n')[0]));
    const client = new WebsocketClient(`127.0.0.1:${proxy.port}`, { ...options, session: session() });
    await client.connect();
    await tryTopics(client);
    const reports: Continuity[] = [];
    const down = await subscribe(client, 'down', { from: 'oldest', windowBytes: 8_192 });
    down.on('continuity', (report) => reports.push(report));
    const read = { count: 0 };
    const cuts = disturb(proxy, random, () => read.count / MESSAGES, CUTS);
    const [wrong] = await Promise.all([readAll(down, random, read), publishAll((message) => publish(client, 'up', message), random)]);
    await cuts;
    expect(wrong).toBeUndefined();
    expect(reports.length).toBeGreaterThan(3);
    expect(reports.filter(({ lost }) => lost !== 0)).toEqual([]);
    await until(() => client.state === 'open', 'the client is back');
    await client.close(1000, 'done');
    expect(await server.ended, server.output).toBe(0);
    expect(JSON.parse(server.output.split('\n')[1] as string) as Report).toMatchObject(unharmed);
    await proxy.close();
  });

  it.each(WINDOWS)('its client and our server, with disconnects and %s: each message once, in order', async (_name, resumeWindowMs) => {
    const random = seededRandom(SEED);
    await using server = await serveTopics(resumeWindowMs);
    const proxy = await startProxy(server.port);
    const reader = new WebsocketClient(`127.0.0.1:${server.port}`, { ...options, session: session() });
    await reader.connect();
    const up = await subscribe(reader, 'up', { from: 'oldest' });
    await using peer = startTopics(python, resumeWindowMs, 'client', `ws://127.0.0.1:${proxy.port}`);
    const read = { count: 0 };
    const reading = readAll(up, random, read);
    const early = peer.ended.then(() => Promise.reject(new Error(`the peer ended and said: ${peer.output}`)));
    await Promise.race([until(() => read.count > 0, 'the Python client publishes'), early]);
    early.catch(() => {});
    const cuts = disturb(proxy, random, () => read.count / MESSAGES, CUTS);
    await publishAll((message) => server.publish('down', message), random);
    expect(await Promise.race([reading, early])).toBeUndefined();
    await cuts;
    expect(await peer.ended, peer.output).toBe(0);
    const report = JSON.parse(peer.output) as Report;
    expect(report).toMatchObject(unharmed);
    expect(report.reports).toBeGreaterThan(3);
    await reader.close();
    await proxy.close();
  });
});

async function serveTopics(resumeWindowMs: number): Promise<WebsocketServer> {
  const { maxMessageBytes, liveness } = options;
  const server = await listen('127.0.0.1', 0, {
    maxMessageBytes,
    liveness,
    session: { resumeWindowMs },
    topics: { historyMessages: 2 * MESSAGES, historyBytes: 2 ** 26 },
    authorize: (_client: ServerClient, _action, topic) => topic !== 'secret',
  });
  for (const text of OLD) await server.publish('history', text);
  return server;
}
