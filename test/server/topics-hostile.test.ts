import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type WebSocket from 'ws';
import type { WebsocketError } from '../../src/entry/node.js';
import type { WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { publish, subscribe } from '../../src/entry/topics.js';
import { headerOf, writeVarint } from '../../src/session/codec.js';
import { encodeControl } from '../../src/session/controls.js';
import * as Kind from '../../src/session/record-kind.js';
import { encodeBody, JOIN, PUBLISH, STOP, SUBSCRIBE, UPDATE, WINDOW } from '../../src/topics/records.js';
import { limit } from '../support/pace.js';
import { foreign, pair, serve, until } from './support.js';

type Body = Uint8Array | readonly number[];

function record(kind: number, body: Body): Uint8Array {
  const header: number[] = [];
  writeVarint(header, 0, headerOf(kind, body.length));
  return Uint8Array.of(...header, ...body);
}

const hello = encodeControl({ is: 'hello', initialCredit: 1_048_576, maxMessageBytes: 65_536, protocols: [], features: 1 });

/** A peer with a session that sends what it is told. */
class Stranger {
  readonly socket: WebSocket;
  closeCode: number | undefined;
  batches = 0;

  constructor(server: WebsocketServer) {
    this.socket = foreign(`ws://127.0.0.1:${server.port}`, ['gem.1']);
    this.socket.on('open', () => this.socket.send(hello));
    this.socket.on('message', () => {
      this.batches += 1;
    });
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
    onTestFinished(() => this.socket.terminate());
  }

  async welcomed(): Promise<this> {
    await until(() => expect(this.batches).toBeGreaterThan(0));
    return this;
  }

  say(...records: Uint8Array[]): void {
    this.socket.send(Buffer.concat(records));
  }
}

const text = (value: string): readonly number[] => [...encodeBody([value])];
const bytes = (...parts: (number | readonly number[])[]): readonly number[] => parts.flat();
const payload = (type: number, ...rest: number[]): readonly number[] => [type, ...rest];

describe('a record of a topic that is malformed closes its own session with 4400', () => {
  it.each<[string, Body]>([
    ['without a subtype', []],
    ['without a number', [SUBSCRIBE]],
    ['a subtype that is no varint', [0x80, 0x00, 1]],
    ['SUBSCRIBE without a window', [SUBSCRIBE, 1]],
    ['SUBSCRIBE without a topic', [SUBSCRIBE, 1, 10]],
    ['SUBSCRIBE with a topic of 256 bytes', bytes(SUBSCRIBE, 1, 10, text('x'.repeat(256)), 0)],
    ['SUBSCRIBE with a topic of 10,000 bytes', bytes(SUBSCRIBE, 1, 10, text('x'.repeat(10_000)), 0)],
    ['SUBSCRIBE with a topic that is not UTF-8', bytes(SUBSCRIBE, 1, 10, [1, 0xff], 0)],
    ['SUBSCRIBE from nowhere', bytes(SUBSCRIBE, 1, 10, text('news'))],
    ['SUBSCRIBE from 3', bytes(SUBSCRIBE, 1, 10, text('news'), 3)],
    ['SUBSCRIBE after a position that is missing', bytes(SUBSCRIBE, 1, 10, text('news'), 2)],
    ['SUBSCRIBE after a position of 65 bytes', bytes(SUBSCRIBE, 1, 10, text('news'), 2, text('x'.repeat(65)))],
    ['WINDOW without a limit', [WINDOW, 1]],
    ['PUBLISH without a payload', bytes(PUBLISH, 1, text('id'), text('news'))],
    ['PUBLISH with a payload of type 0', bytes(PUBLISH, 1, text('id'), text('news'), payload(0, 65))],
    ['PUBLISH with a payload of type 3', bytes(PUBLISH, 1, text('id'), text('news'), payload(3, 65))],
    ['PUBLISH of a text that is not UTF-8', bytes(PUBLISH, 1, text('id'), text('news'), payload(1, 0xc0, 0x80))],
    ['PUBLISH with an id of 65 bytes', bytes(PUBLISH, 1, text('x'.repeat(65)), text('news'), payload(1))],
    ['JOIN without data', bytes(JOIN, 1, 0, text('news'))],
    ['JOIN with data that is not JSON', bytes(JOIN, 1, 0, text('news'), text('{'))],
  ])('%s', async (_name, body) => {
    const server = await serve({ authorize: () => true });
    const good = (await pair(server, { session: session() })).client;
    const read: unknown[] = [];
    await subscribe(good, 'news', ({ message }) => read.push(message));
    const stranger = await new Stranger(server).welcomed();
    stranger.say(record(Kind.topic, body));
    await until(() => expect(stranger.closeCode).toBe(4400));
    await publish(good, 'news', 'still here');
    await until(() => expect(read).toEqual(['still here']));
  });
});

describe('a record of a topic that makes no sense is ignored or refused, and the session goes on', () => {
  it.each<[string, Body]>([
    ['an unknown subtype', [99, 1, 2, 3]],
    ['a subtype of the server', bytes(18, 1, text('position'), payload(1, 65))],
    ['STOP of a request that does not exist', [STOP, 7]],
    ['WINDOW of a request that does not exist', [WINDOW, 7, 100]],
    ['UPDATE of a request that does not exist', bytes(UPDATE, 7, text('1'))],
    ['SUBSCRIBE to a topic with a NUL', bytes(SUBSCRIBE, 1, 10, text('a\u0000b'), 0)],
    ['SUBSCRIBE to a topic without a name', bytes(SUBSCRIBE, 1, 10, text(''), 0)],
    ['SUBSCRIBE to __proto__', bytes(SUBSCRIBE, 1, 10, text('__proto__'), 0)],
    ['SUBSCRIBE with the largest numbers', bytes(SUBSCRIBE, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], 10, text('news'), 0)],
    ['PUBLISH to a topic without a name', bytes(PUBLISH, 1, text('id'), text(''), payload(1, 65))],
    ['a record with bytes behind its fields', bytes(STOP, 1, [1, 2, 3])],
  ])('%s', async (_name, body) => {
    const server = await serve({ authorize: () => true });
    const heard: unknown[] = [];
    server.on('connection', (client) => client.on('message', (message) => heard.push(message)));
    const stranger = await new Stranger(server).welcomed();
    for (const kind of [Kind.topic, Kind.transient]) stranger.say(record(kind, body));
    stranger.say(record(Kind.text, [0x68, 0x69]));
    await until(() => expect(heard).toEqual(['hi']));
    expect(stranger.closeCode).toBeUndefined();
  });

  it('a number in use, and a window that becomes smaller', async () => {
    const server = await serve({ authorize: () => true });
    const stranger = await new Stranger(server).welcomed();
    const subscription = record(Kind.topic, encodeBody([SUBSCRIBE, 1, 1_000, 'news', 0]));
    stranger.say(subscription, subscription, record(Kind.topic, [WINDOW, 1, 5]), record(Kind.topic, [WINDOW, 1, 1]));
    await until(() => expect(server.metrics.topicRequestsRefused).toBe(1));
    expect(stranger.closeCode).toBeUndefined();
  });
});

it('no bytes in records of topics end the server, or disturb another client', { timeout: limit(60_000) }, async () => {
  const server = await serve({ authorize: (_client, _action, topic) => topic.length % 2 === 0, maxClients: 100_000 });
  const errors: WebsocketError[] = [];
  server.on('error', (error) => errors.push(error));
  const good = (await pair(server, { session: session() })).client;
  const read: unknown[] = [];
  await subscribe(good, 'news', ({ message }) => read.push(message));
  const kinds = fc.constantFrom(Kind.topic, Kind.transient);
  const subtypes = fc.constantFrom(SUBSCRIBE, STOP, WINDOW, PUBLISH, JOIN, UPDATE, 18, 60);
  const field = fc.oneof(fc.nat(300), fc.constantFrom('', 'news', 'a', '{}', '1', '__proto__'));
  const sound = fc
    .tuple(subtypes, fc.nat(3), fc.array(field, { maxLength: 5 }))
    .map(([subtype, request, fields]) => encodeBody([subtype, request, ...fields]));
  const body = fc.oneof({ weight: 3, arbitrary: sound }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) });
  const batches = fc.array(fc.tuple(kinds, body), { minLength: 1, maxLength: 12 });
  let published = 0;
  await fc.assert(
    fc.asyncProperty(batches, async (records) => {
      const stranger = await new Stranger(server).welcomed();
      stranger.say(...records.map(([kind, content]) => record(kind, content)));
      stranger.socket.close();
      published += 1;
      await publish(good, 'else', 'a message');
      await until(() => expect(stranger.closeCode).toBeDefined());
    }),
    { numRuns: 200 },
  );
  await publish(good, 'news', 'the last');
  await until(() => expect(read.at(-1)).toBe('the last'));
  expect(published).toBe(200);
  expect(errors).toEqual([]);
});

describe('one client', () => {
  it('asks for 100,000 subscriptions and gets as many as the bound allows', { timeout: limit(60_000) }, async () => {
    const server = await serve({ authorize: () => true });
    const { client } = await pair(server, { session: session() });
    const results = await Promise.allSettled(Array.from({ length: 100_000 }, (_, index) => subscribe(client, `topic ${index}`)));
    const granted = results.filter(({ status }) => status === 'fulfilled');
    expect(granted).toHaveLength(1_000);
    const codes = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as WebsocketError).code] : []));
    expect(new Set(codes)).toEqual(new Set(['TOO_MANY_TOPICS']));
    expect(server.metrics).toMatchObject({ topics: 1_000, subscriptions: 1_000, topicRequestsRefused: 99_000 });
  });

  it('publishes without end while nobody decides: its credit bounds what waits', { timeout: limit(60_000) }, async () => {
    let asked = 0;
    const server = await serve({
      authorizeTimeoutMs: limit(600_000),
      session: { windowBytes: 65_536 },
      authorize: () => {
        asked += 1;
        return new Promise<boolean>(() => {});
      },
    });
    const { client } = await pair(server, { session: session(), outbox: { maxBytes: 2_000_000 } });
    const results = Array.from({ length: 20_000 }, () => publish(client, 'news', 'x'.repeat(100)));
    for (const result of results) result.catch(() => {});
    const last = publish(client, 'news', 'x'.repeat(100));
    await expect(last).rejects.toMatchObject({ code: 'OUTBOX_FULL' });
    await until(() => expect(asked).toBeGreaterThan(100));
    client.sendMessage('a message has to wait, too');
    expect(asked * 132).toBeLessThan(65_536 + 1_000);
    await client.close();
    const codes = (await Promise.allSettled(results)).map(
      (result) => result.status === 'rejected' && (result.reason as WebsocketError).code,
    );
    expect(new Set(codes)).toEqual(new Set(['NOT_OPEN', 'OUTBOX_FULL']));
  });

  it('is closed for its rate, which records of topics count towards', async () => {
    const server = await serve({ authorize: () => true, rateLimit: { messagesPerSecond: 1, burst: 20 } });
    const { client } = await pair(server, { session: session() });
    for (let index = 0; index < 50; index++) publish(client, 'news', 'a').catch(() => {});
    await until(() => expect(client.state).toBe('closed'));
    expect(server.metrics.closedRateLimited).toBe(1);
  });
});
