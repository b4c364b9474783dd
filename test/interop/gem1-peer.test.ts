import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type IWebsocketClient, WebsocketClient } from '../../src/entry/node.js';
import { listen, type ServerClient } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { describeWith } from '../support/needs.js';
import { limit } from '../support/pace.js';
import type { Program } from '../support/programs.js';
import { startProxy } from '../support/proxy.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';
import { asText, disturb, isMessage, randomMessage, SEED, startPeer } from './gem1.js';

const MESSAGES = Number(process.env.GEM1_MESSAGES ?? 5_000);
const options = {
  maxMessageBytes: 65_536,
  liveness: { pingMs: limit(300), timeoutMs: limit(300) },
  reconnect: { minDelayMs: 5, maxDelayMs: 50 },
};
const terms = { windowBytes: 65_536, replayBytes: 262_144 };

/** The report of the Python peer at its end. */
interface Report {
  readonly received: number;
  readonly wrong: string | null;
  readonly resumed: number;
  readonly replayed: number;
  readonly lostSessions: number;
  readonly over: [number, string];
}

function python(path: string, ...args: (string | number)[]): Program {
  return startPeer(path, 'main', ...args, '--messages', MESSAGES);
}

/** In bursts; some messages are larger than a record. */
async function sendAll(client: IWebsocketClient, random: () => number): Promise<void> {
  for (let index = 0; index < MESSAGES; ) {
    for (let burst = 1 + Math.floor(random() * 50); burst > 0 && index < MESSAGES; burst--, index++) {
      const message = randomMessage(index, random);
      if (typeof message === 'string') client.sendMessage(message);
      else client.sendMessageBinary(message);
    }
    await sleep(random() * 8);
    if (client.bufferedBytes > 1_000_000) await client.drained();
  }
}

/** Slowly at times, so that the peer's credit runs out. */
async function readAll(client: IWebsocketClient, random: () => number): Promise<string | undefined> {
  let index = 0;
  let wrong: string | undefined;
  for await (const message of client) {
    if (wrong === undefined && !isMessage(message, index)) wrong = `message ${index} is ${asText(message).slice(0, 40)}`;
    index += 1;
    if (random() < 0.002) await sleep(50);
    if (index === MESSAGES) break;
  }
  return wrong ?? (index === MESSAGES ? undefined : `only ${index} messages`);
}

/** Exchanges everything in both directions and reports wrong messages. A peer that ends too early is reported with its output. */
async function exchange(client: IWebsocketClient, random: () => number, peer: Program): Promise<string | undefined> {
  const both = Promise.all([sendAll(client, random), readAll(client, random)]).then(([, wrong]) => wrong);
  const early = peer.ended.then((code) => Promise.race([both, sleep(5_000, `the peer ended with ${code} and said: ${peer.output}`)]));
  return Promise.race([both, early]);
}

/** The progress of the exchange, 0 to 1, in the slower direction. */
function progressOf({ stats }: IWebsocketClient): number {
  return Math.min(stats.messagesSent, stats.messagesReceived) / MESSAGES;
}

describeWith('pythonWebsockets', 'gem.1 between this library and the peer in Python', (path) => {
  it('our client and its server, with disconnects: each message once, in order, both ways', async () => {
    const random = seededRandom(SEED);
    await using server = python(path, 'server', 0);
    await until(() => server.output.includes('\n'), 'the Python server listens');
    const proxy = await startProxy(Number(server.output.split('\n')[0]));
    const client = new WebsocketClient(`127.0.0.1:${proxy.port}`, { ...options, session: session(terms) });
    const receipts: boolean[] = [];
    client.on('reconnected', ({ resumed }) => receipts.push(resumed));
    await client.connect();
    const cuts = disturb(proxy, random, () => progressOf(client));
    const wrong = await exchange(client, random, server);
    await cuts;
    expect(wrong).toBeUndefined();
    expect(receipts.every((resumed) => resumed)).toBe(true);
    expect(receipts.length).toBeGreaterThan(5);
    await until(() => client.state === 'open', 'the client is back');
    expect(await client.close(1000, 'done')).toMatchObject({ code: 1000, reason: 'done' });
    expect(await server.ended, server.output).toBe(0);
    const report = JSON.parse(server.output.split('\n')[1] as string) as Report;
    expect(report).toMatchObject({ received: MESSAGES, wrong: null, lostSessions: 0, over: [1000, 'done'] });
    await proxy.close();
  });

  it('its client and our server, with disconnects: each message once, in order, both ways', async () => {
    const random = seededRandom(SEED);
    const { maxMessageBytes, liveness } = options;
    await using server = await listen('127.0.0.1', 0, { maxMessageBytes, liveness, session: terms });
    const clients: ServerClient[] = [];
    server.on('connection', (client) => clients.push(client));
    const proxy = await startProxy(server.port);
    await using peer = python(path, 'client', `ws://127.0.0.1:${proxy.port}`);
    // A session whose WELCOME is lost cannot be resumed, so nothing is cut before the first message.
    await until(() => (clients[0]?.stats.messagesReceived ?? 0) > 0, 'the Python client is there');
    const client = clients[0] as ServerClient;
    const cuts = disturb(proxy, random, () => progressOf(client));
    const wrong = await exchange(client, random, peer);
    await cuts;
    expect(wrong).toBeUndefined();
    expect(await peer.ended, peer.output).toBe(0);
    const report = JSON.parse(peer.output) as Report;
    expect(report).toMatchObject({ received: MESSAGES, wrong: null, lostSessions: 0, over: [1000, 'done'] });
    expect(report.resumed).toBeGreaterThan(5);
    expect(clients).toHaveLength(1);
    await proxy.close();
  });
});
