import { expect, onTestFinished, test } from 'vitest';
import { type Continuity, connect, type IWebsocketClient, type Message } from '../../src/entry/node.js';
import { listen } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { limit } from '../support/pace.js';
import { type FaultyProxy, startProxy } from '../support/proxy.js';
import { until } from '../support/until.js';

const BREAKS = 100;
const MESSAGES = 20_000;
const PER_BREAK = MESSAGES / BREAKS;
const BIG = 'x'.repeat(40_000);

/** Text and bytes in turn, and sometimes a message that is sent in chunks. */
function messageOf(number: number): Message {
  if (number % 400 === 0) return `${number}:${BIG}`;
  return number % 7 === 0 ? Uint8Array.from(String(number), (digit) => digit.charCodeAt(0)) : `${number}`;
}

function numberIn(message: Message): number {
  return Number.parseInt(typeof message === 'string' ? message : String.fromCharCode(...message), 10);
}

function send(client: IWebsocketClient, from: number, to: number): void {
  for (let number = from; number < to; number++) {
    const message = messageOf(number);
    if (typeof message === 'string') client.sendMessage(message);
    else client.sendMessageBinary(message);
  }
}

/** Compares the messages of a client with the expected ones as they arrive. */
class Ear {
  readonly wrong: string[] = [];
  count = 0;

  constructor(client: IWebsocketClient) {
    client.on('message', (message) => {
      const expected = messageOf(this.count);
      const isRight = typeof message === 'string' ? message === expected : String(message) === String(expected);
      if (!isRight && this.wrong.length < 5) this.wrong.push(`${numberIn(message)} instead of ${this.count}`);
      this.count += 1;
    });
  }
}

/** One disconnect of its kind, and the reconnection. */
async function breakLink(kind: number, proxy: FaultyProxy, client: IWebsocketClient): Promise<void> {
  let breaks = 0;
  let returns = 0;
  const offs = [client.on('reconnecting', () => void breaks++), client.on('reconnected', () => void returns++)];
  const { accepted } = proxy;
  if (kind < 2) proxy.cut(kind === 0 ? 'fin' : 'reset');
  else proxy.freeze((['both', 'toServer', 'toClient'] as const)[kind - 2]);
  await until(() => breaks > 0, 'the client has noticed the break');
  if (kind === 1) {
    // A second disconnect, during the reconnection.
    await until(() => proxy.accepted > accepted, 'the client dials');
    proxy.cut('reset');
    await until(() => breaks > 1, 'the client has noticed the second break');
  }
  const before = returns;
  await proxy.heal();
  await until(() => returns > before || client.state === 'open', 'the client is back');
  for (const off of offs) off();
}

test(`a session under ${BREAKS} cuts and freezes delivers ${MESSAGES} messages each way, once and in order`, async () => {
  const server = await listen('127.0.0.1', 0);
  onTestFinished(() => server.close({ graceMs: 1 }));
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const accepting = new Promise<IWebsocketClient>((resolve) => server.on('connection', resolve));
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  const client = await connect(`ws://127.0.0.1:${proxy.port}`, {
    type: 'insecure',
    session: session(),
    reconnect: { minDelayMs: 1, maxDelayMs: 10 },
    connectTimeoutMs: limit(500),
    liveness: { pingMs: limit(20), timeoutMs: limit(60) },
  });
  const accepted = await accepting;
  const receipts: Continuity[] = [];
  const ends: unknown[] = [];
  for (const end of [client, accepted]) {
    end.on('reconnected', (receipt) => receipts.push(receipt));
    end.on('close', (info) => ends.push(info));
    end.on('undelivered', (messages) => ends.push(messages));
  }
  const ears = [new Ear(accepted), new Ear(client)];
  for (let index = 0; index < BREAKS; index++) {
    const from = index * PER_BREAK;
    const middle = from + PER_BREAK / 2;
    send(client, from, middle);
    send(accepted, from, middle);
    if (index % 2 === 0) await new Promise(setImmediate);
    const broken = breakLink(index % 5, proxy, client);
    send(client, middle, from + PER_BREAK);
    send(accepted, middle, from + PER_BREAK);
    await broken;
  }
  await until(() => ears.every((ear) => ear.count >= MESSAGES), 'all has arrived', 20_000);
  expect(ears.map(({ count, wrong }) => ({ count, wrong }))).toEqual(Array(2).fill({ count: MESSAGES, wrong: [] }));
  expect(ends).toEqual([]);
  expect(connections).toBe(1);
  expect(receipts.length).toBeGreaterThanOrEqual(BREAKS);
  expect(receipts.filter(({ resumed, lost }) => !resumed || lost !== 0)).toEqual([]);
  expect(server.metrics).toMatchObject({ connectionsTotal: 1, sessionsDetached: 0, sessionsEvicted: 0, sessionsExpired: 0 });
  await client.close();
});
