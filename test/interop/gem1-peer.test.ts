import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type IWebsocketClient, type Message, WebsocketClient } from '../../src/entry/node.js';
import { listen, type ServerClient } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { describeWith } from '../support/needs.js';
import { limit } from '../support/pace.js';
import { type Program, start } from '../support/programs.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import { seededRandom } from '../support/seeded-random.js';
import { until } from '../support/until.js';

const MESSAGES = Number(process.env.GEM1_MESSAGES ?? 5_000);
const CUTS = Number(process.env.GEM1_CUTS ?? 30);
const SEED = Number(process.env.GEM1_SEED ?? 1);
const here = fileURLToPath(new URL('.', import.meta.url));
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
  const program = 'import asyncio, sys; sys.path.insert(0, sys.argv.pop(1)); from gem1_peer.main import main; asyncio.run(main())';
  return start(path, ['-B', '-c', program, here, ...args.map(String), '--messages', `${MESSAGES}`, '--seed', `${SEED}`]);
}

/** Message `index` as both peers create it: its number, its length, and as many characters as that requires; odd ones are binary. */
function messageOf(index: number, length: number): Message {
  const head = `${index}:${length}:`;
  const text = head + String.fromCharCode(97 + (index % 26)).repeat(Math.max(0, length - head.length));
  return index % 2 === 1 ? new TextEncoder().encode(text) : text;
}

function isMessage(message: Message, index: number): boolean {
  const text = typeof message === 'string' ? message : new TextDecoder().decode(message);
  const isKind = (typeof message === 'string') === (index % 2 === 0);
  return isKind && text === asText(messageOf(index, Number(text.split(':')[1])));
}

function asText(message: Message): string {
  return typeof message === 'string' ? message : new TextDecoder().decode(message);
}

/** In bursts; some messages are larger than a record. */
async function sendAll(client: IWebsocketClient, random: () => number): Promise<void> {
  for (let index = 0; index < MESSAGES; ) {
    for (let burst = 1 + Math.floor(random() * 50); burst > 0 && index < MESSAGES; burst--, index++) {
      const message = messageOf(index, 1 + Math.floor(random() * (random() < 0.02 ? 60_000 : 200)));
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

/**
 * Cuts, some during the resume itself, and unresponsive networks, spread over the exchange at any speed. The last tenth and the
 * close after it are undisturbed: other tests cover those.
 */
async function disturb(proxy: FaultyProxy, random: () => number, progress: () => number): Promise<void> {
  for (let cuts = 0; cuts < CUTS; cuts++) {
    if (random() < 0.3) await sleep(random() * 10);
    else await until(() => progress() > (0.85 * cuts) / CUTS, 'the exchange continues after the last cut');
    const chance = random();
    if (progress() > 0.9) break;
    if (chance < 0.1) {
      proxy.freeze();
      await sleep(random() * 900);
      await proxy.heal();
    } else proxy.cut(chance < 0.55 ? 'fin' : 'reset');
  }
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
