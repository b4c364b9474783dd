import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClientOptions, connect, type IWebsocketClient, type Message } from '../../src/entry/node.js';
import { listen, type ServerClient, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { session } from '../../src/entry/session.js';
import { encodeControl, type SessionCredentials } from '../../src/session/controls.js';
import { limit } from '../support/pace.js';
import { noise, oneOf, type Random, seededNumbers, seedOfRun } from '../support/seeded-random.js';
import { frame, handshake, Opcode, until } from './support.js';

/** Strangers that come and go; GEM_STRANGERS sets another number. What they do follows from the seed, when it arrives does not. */
const count = Number(process.env.GEM_STRANGERS ?? 1_500);
/** At a time, beside those that stay on and say nothing more. */
const AT_ONCE = 8;
const MAX_LINGERING = 20;
/** Ten times what it takes. */
const TIMEOUT_MS = limit(30_000 + count * 30);

/** Bounds that strangers reach. The good clients stay below the rate: they say a thing for every stranger that has gone. */
const options: ServerOptions = {
  maxClients: 8,
  maxBufferedBytes: 50_000,
  rateLimit: { messagesPerSecond: 2_000, burst: 64 },
  liveness: { pingMs: 200, timeoutMs: 5_000 },
  authenticate: ({ url }) => ({ isGood: url === '/good' }),
  session: { resumeWindowMs: 300, maxDetached: 3 },
};

/** The server remembers of up to 10,000 sessions how they ended, in less than this each. One client that stayed would be 30 KB. */
const REMEMBERED_BYTES = 4_096;
const SPARE_BYTES = 4 * 1024 * 1024;

describe(`a server among strangers that break every rule (GEM_SEED=${seedOfRun})`, () => {
  it('continues, serves the other clients as before, and keeps nothing of the hostile ones', { timeout: TIMEOUT_MS }, async () => {
    await Promise.race([uncaught(), siege()]);
  });

  async function siege(): Promise<void> {
    const random = seededNumbers(seedOfRun);
    const server = await listen('127.0.0.1', 0, options);
    onTestFinished(() => server.close({ graceMs: 1 }));
    const errors: unknown[] = [];
    server.on('error', (error) => errors.push(error));
    const heardByServer = answer(server, random);
    const guests = [await context(server, {}), await context(server, { session: session() })];
    const strangers = new Strangers(server.port, random);

    // Until the heap has what it will have anyway.
    await strangers.come(200);
    const heapBefore = heapBytes();
    let [announced, mostClients] = [0, 0];
    server.on('connection', () => {
      mostClients = Math.max(mostClients, server.metrics.clients as number);
    });
    await strangers.come(count, () => {
      for (const one of guests) one.say();
      if (random(8) === 0) server.broadcast(`news ${announced++}`);
    });
    strangers.leave();
    expect(mostClients).toBe(options.maxClients);

    for (const [index, { said, echoes, news, client }] of guests.entries()) {
      await until(() => expect([echoes.heard, news.heard]).toEqual([said(), announced]));
      expect(heardByServer[index]?.heard).toBe(said());
      expect([echoes.wrong, news.wrong, heardByServer[index]?.wrong]).toEqual([undefined, undefined, undefined]);
      expect([client.state, client.stats.reconnects]).toEqual(['open', 0]);
    }
    // A client that stays would be on the heap, one that is away in the metrics.
    await until(() =>
      expect(server.metrics).toMatchObject({ clients: 2, sessionsDetached: 0, sessionsDetachedBytes: 0, bufferedBytes: 0 }),
    );
    expect(server.clients).toHaveLength(2);
    expect(heapBytes() - heapBefore).toBeLessThan(Math.min(count, 10_000) * REMEMBERED_BYTES + SPARE_BYTES);

    // Not while all are gone, but with some about.
    await strangers.come(50);
    const closedAt = performance.now();
    await server.close({ code: 1000, graceMs: 100 });
    expect(performance.now() - closedAt).toBeLessThan(limit(5_000));
    expect(server.metrics).toMatchObject({ clients: 0, sessionsDetached: 0, bufferedBytes: 0 });
    for (const { client } of guests) expect((await client.close()).code).toBe(1000);
    strangers.leave();

    expect(errors).toEqual([]);
    // They must have got in, and far enough, or this says little.
    const { sessionsResumed, sessionsEvicted, closedProtocolError, closedRateLimited, refusedFull, refusedRequest } = server.metrics;
    expect(sessionsResumed).toBeGreaterThan(count / 50);
    expect(sessionsEvicted).toBeGreaterThan(count / 20);
    expect(closedProtocolError).toBeGreaterThan(count / 20);
    expect(Math.min(closedRateLimited as number, refusedFull as number, refusedRequest as number)).toBeGreaterThan(0);
  }
});

/** Rejects with whatever would have ended the process: who was to be answered then may wait for ever. */
function uncaught(): Promise<never> {
  return new Promise((_, reject) => {
    process.on('uncaughtExceptionMonitor', reject);
    process.on('unhandledRejection', reject);
    onTestFinished(() => {
      process.off('uncaughtExceptionMonitor', reject);
      process.off('unhandledRejection', reject);
    });
  });
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Messages that are to come once and in order: 'name 0', 'name 1', and so on. Counted, as to keep them would grow the heap. */
class Series {
  heard = 0;
  wrong: string | undefined;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** False for a message of another series. */
  hear(message: string): boolean {
    if (!message.startsWith(this.#name)) return false;
    if (message !== `${this.#name} ${this.heard}`) this.wrong ??= `${message} as number ${this.heard}`;
    this.heard += 1;
    return true;
  }
}

/** The application: repeats what anybody says, and closes on a stranger now and then. Returns what each good client said. */
function answer(server: WebsocketServer, random: Random): Series[] {
  const heard: Series[] = [];
  server.on('connection', (client) => {
    const { isGood } = client.user as { isGood: boolean };
    if (isGood) listenTo(client, heard);
    else client.on('message', (message) => answerStranger(client, message, random));
    client.on('error', () => {});
  });
  return heard;
}

function listenTo(client: ServerClient, heard: Series[]): void {
  const series = new Series('said');
  heard.push(series);
  client.on('message', (message) => {
    series.hear(String(message));
    client.sendMessage(String(message));
  });
}

function answerStranger(client: ServerClient, message: Message, random: Random): void {
  if (random(20) === 0) void client.close(oneOf(random, [1000, 1001, 4403, 1008]), 'x'.repeat(random(123)));
  if (client.isConnectionOpen()) client.sendMessage(String(message));
}

interface GoodClient {
  readonly client: IWebsocketClient;
  readonly echoes: Series;
  readonly news: Series;
  /** How much it has said. */
  said(): number;
  say(): void;
}

async function context(server: WebsocketServer, clientOptions: ClientOptions): Promise<GoodClient> {
  const client = await connect(`ws://127.0.0.1:${server.port}/good`, { type: 'insecure', ...clientOptions });
  onTestFinished(async () => void (await client.close()));
  const [echoes, news] = [new Series('said'), new Series('news')];
  let said = 0;
  client.on('message', (message) => {
    const text = String(message);
    if (!echoes.hear(text) && !news.hear(text)) echoes.wrong ??= text;
  });
  const say = () => client.sendMessage(`said ${said++}`);
  return { client, echoes, news, said: () => said, say };
}

const offer = { initialCredit: 1_000_000, maxMessageBytes: 100_000, protocols: [] };
const CLOSE_CODES = [999, 1000, 1001, 1002, 1005, 1016, 3000, 4400, 4999];
/** Records of gem.1: texts, a binary, a chunk, END, ACKs, CREDIT, PING, PONG, LEAVE. */
const RECORDS = ['01', '1161', '1200', '1061', '2303e8', '1801', '1802', '1905', '0a', '1b00', '2f0501'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** They share their tickets, so that each may come back for the session of another one. */
class Strangers {
  readonly #port: number;
  readonly #random: Random;
  readonly #tickets: SessionCredentials[] = [];
  readonly #lingering: Socket[] = [];
  #came = 0;

  constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  async come(number: number, afterEach: () => void = () => {}): Promise<void> {
    const until = this.#came + number;
    const one = async () => {
      while (this.#came < until) {
        this.#came += 1;
        await this.#comeAndGo(this.#came);
        afterEach();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }

  leave(): void {
    for (const socket of this.#lingering.splice(0)) socket.destroy();
  }

  async #comeAndGo(attempt: number): Promise<void> {
    const random = this.#random;
    const stranger = await Stranger.connect(this.#port);
    if (random(20) === 0) stranger.socket.write(noise(random, 200));
    else if (random(4) === 0) {
      stranger.socket.write(handshake());
      if (await stranger.head()) await this.#misbehave(stranger.socket);
    } else {
      stranger.socket.write(handshake({ 'Sec-WebSocket-Protocol': 'gem.1' }));
      if ((await stranger.head()) && (await this.#begin(stranger, attempt))) await this.#misbehave(stranger.socket);
    }
    this.#go(stranger.socket);
  }

  /** Says HELLO or RESUME; false when it was sent away for it. */
  async #begin(stranger: Stranger, attempt: number): Promise<boolean> {
    const random = this.#random;
    const credentials = this.#tickets[random(this.#tickets.length + 4)];
    const progress = { received: random(3) === 0 ? random(5) : 0, messagesSent: random(10) };
    const control = credentials
      ? encodeControl({ is: 'resume', ...credentials, attempt, ...progress, ...offer })
      : encodeControl({ is: 'hello', ...offer });
    stranger.socket.write(frame(Opcode.binary, control));
    const answer = await stranger.welcome();
    // WELCOME: two bytes of header, its type, id and secret.
    if (answer?.[2] === 2) this.#tickets.push({ id: answer.slice(3, 19), secret: answer.slice(19, 35) });
    if (this.#tickets.length > 30) this.#tickets.shift();
    return answer !== undefined;
  }

  async #misbehave(socket: Socket): Promise<void> {
    // Half of them only leave.
    for (let times = this.#random(2) * this.#random(6); times > 0 && !socket.destroyed; times--) {
      socket.write(something(this.#random));
      if (this.#random(2) === 0) await turn();
    }
  }

  /** With a bang, or politely, or not yet. */
  #go(socket: Socket): void {
    const random = this.#random;
    if (random(2) === 0) socket.destroy();
    else if (random(4) > 0) socket.end();
    this.#lingering.push(socket);
    if (this.#lingering.length > MAX_LINGERING) this.#lingering.shift()?.destroy();
  }
}

/** A bare socket whose answers are awaited by their arrival, or by its end. */
class Stranger {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #check = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      // Of what follows the first answers, nothing is looked at.
      if (this.#received.length < 1_000) this.#received = Buffer.concat([this.#received, chunk]);
      this.#check();
    });
    socket.on('close', () => this.#check());
  }

  static async connect(port: number): Promise<Stranger> {
    const socket = connectSocket(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Stranger(socket);
  }

  /** False when it was refused. */
  async head(): Promise<boolean> {
    const end = await this.#find(() => this.#received.indexOf('\r\n\r\n') + 1 || undefined);
    if (end === undefined) return false;
    const isUpgraded = this.#received.subarray(0, 12).toString() === 'HTTP/1.1 101';
    this.#received = this.#received.subarray(end + 3);
    return isUpgraded;
  }

  /** The answer to a handshake, which is short; undefined when it was sent away. */
  async welcome(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const batch = await this.#find(() => {
      const [first, length = 0] = this.#received;
      if (first === undefined || this.#received.length < 2 + length) return undefined;
      return first === (0x80 | Opcode.binary) ? Uint8Array.from(this.#received.subarray(2, 2 + length)) : null;
    });
    return batch ?? undefined;
  }

  #find<T>(look: () => T | undefined): Promise<T | undefined> {
    return new Promise((resolve) => {
      this.#check = () => {
        const found = look();
        if (found !== undefined || this.socket.destroyed) resolve(found);
      };
      this.#check();
    });
  }
}

/** What nobody should send; and some of what one may. */
function something(random: Random): Uint8Array {
  switch (random(8)) {
    case 0:
      return frame(Opcode.text, Uint8Array.of(0xff));
    case 1:
      return closeFrame(random);
    case 2:
      return noise(random, random(30));
    case 3:
      return frame(Opcode.ping, Buffer.alloc(random(130)));
    case 4:
      return frame(Opcode.binary, new Uint8Array(70_000));
    case 5:
      return frame(Opcode.binary, noise(random, 1 + random(50)));
    case 6:
      // A hundred empty texts.
      return frame(Opcode.binary, new Uint8Array(100).fill(1));
    default:
      return frame(Opcode.binary, Buffer.concat(Array.from({ length: 1 + random(10) }, () => oneOf(random, RECORDS))));
  }
}

function closeFrame(random: Random): Uint8Array {
  const payload = Buffer.alloc(2 + random(123), 'a');
  payload.writeUInt16BE(oneOf(random, CLOSE_CODES));
  if (random(3) === 0 && payload.length > 2) payload[2 + random(payload.length - 2)] = random(256);
  return frame(Opcode.close, payload);
}
