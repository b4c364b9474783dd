import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../src/core/errors.js';
import { encodeControl, type SessionCredentials } from '../../src/session/controls.js';
import { budget } from '../support/budget.js';
import { noise, oneOf, type Random, seededNumbers, seedOfRun } from '../support/seeded-random.js';
import { Application } from './support/application.js';
import type { CableEnd } from './support/cable.js';
import { World } from './support/world.js';

/** At one server, so that the next ones come to what these have left behind. */
const KNOCKS = 30;

const bounds = { maxDetached: 3, maxDetachedBytes: 3 * 16_384 + 2_000, resumeWindowMs: 5_000 };

/** Where varints, counts and limits have their edges. */
const EDGES = [0, 1, 2, 5, 127, 128, 32_768, 2 ** 31, 2 ** 53 - 1];
/** Largest messages: those under 16,384 bytes are malformed. */
const LARGEST = [0, 16_383, 16_384, 16_384, 16_385, 32_768, 2 ** 31, 2 ** 53 - 1];
/** Text, binary, a chunk, END with 1000, ACK of 0 and of 1, CREDIT, PING, PONG, LEAVE. */
const RECORDS = ['01', '1161', '1200', '1061', '2303e8', '1800', '1801', '1905', '0a', '1b00', '2f0501'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

describe(`the acceptor of a server with arbitrary handshakes (GEM_SEED=${seedOfRun})`, () => {
  it('opens a session, resumes one, or closes: it never throws, keeps its bounds, and disturbs no other session', {
    timeout: 3_600_000,
  }, async () => {
    const random = seededNumbers(seedOfRun);
    const seen = { sessions: 0, resumed: 0, evicted: 0, sentAway: 0 };
    const goesOn = budget('GEM_FUZZ', 5_000);
    let count = 0;
    for (; goesOn(count); count += KNOCKS) {
      const siege = new Siege(random);
      for (let n = 0; n < KNOCKS; n++) siege.knock();
      siege.lift();
      seen.sessions += siege.world.serverClients.length;
      seen.sentAway += siege.sentAway;
      seen.resumed += siege.world.registry.metrics.resumed;
      seen.evicted += siege.world.registry.metrics.evicted;
      // What waits for a microtask would hold each world until the end.
      await Promise.resolve();
    }
    expect(seen.sessions).toBeGreaterThan(count / 5);
    expect(seen.resumed).toBeGreaterThan(count / 40);
    expect(seen.evicted).toBeGreaterThan(count / 400);
    expect(seen.sentAway).toBeGreaterThan(count / 4);
  });
});

/** A server with one good client, and strangers who know the tickets of each other's sessions. */
class Siege {
  readonly world = new World({ registry: bounds }).open();
  readonly #random: Random;
  readonly #client = new Application('client', this.world.client);
  /** The good client's, and those of the strangers. */
  readonly #servers: Application[] = [];
  readonly #ends: CableEnd[] = [];
  readonly #tickets: SessionCredentials[] = [];

  constructor(random: Random) {
    this.#random = random;
    this.world.onServerClient((end) => this.#servers.push(new Application('server', end)));
  }

  get sentAway(): number {
    return this.#ends.filter(({ closedWith }) => closedWith !== undefined).length;
  }

  knock(): void {
    const [world, random] = [this.world, this.#random];
    const end = world.knock();
    this.#ends.push(end);
    receive(end, spoilt(random, this.#handshake()));
    for (let more = random(3); more > 0; more--) receive(end, records(random));
    this.#noteTicket(end);
    this.#applicationDoes();
    if (random(3) === 0) end.lose();
    if (random(5) === 0) world.pass(random(6_000));
    else world.endTurn();
    this.#client.send(10, true);
    this.#servers[0]?.send(10, false);
    this.#expectBounds();
  }

  /** Afterwards the good client alone is there, and has noticed nothing. */
  lift(): void {
    const { world } = this;
    for (const end of this.#ends) end.lose();
    world.pass(60_000);
    const [client, server] = [this.#client, this.#servers[0] as Application];
    // Of the others, too: one that is over is kept until its application has read to the end.
    for (const application of [client, ...this.#servers]) application.take();
    expect(world.serverClients.filter(({ state }) => state !== 'closed')).toEqual([server.end]);
    expect(world.registry.metrics).toMatchObject({ detached: 0, detachedBytes: 0 });
    expect(world.registry.present).toBe(1);
    expect(world.cables).toHaveLength(1 + KNOCKS);
    expect(server.read).toEqual(client.sent);
    expect(client.read).toEqual(server.sent);
    // What a peer did wrong has a code; anything else is ours.
    expect(world.reports.filter((error) => !(error instanceof WebsocketError) || error.code === 'HANDLER_FAILED')).toEqual([]);
  }

  #handshake(): Uint8Array<ArrayBuffer> {
    const random = this.#random;
    const offer = {
      initialCredit: oneOf(random, EDGES),
      maxMessageBytes: oneOf(random, LARGEST),
      protocols: random(2) === 0 ? [] : ['chat'],
    };
    const kind = random(10);
    if (kind < 2) return noise(random, random(80));
    if (kind < 5 || this.#tickets.length === 0) return encodeControl({ is: 'hello', ...offer });
    // Of the newest, for of the others most are over.
    const credentials = oneOf(random, this.#tickets.slice(random(2) === 0 ? -4 : 0));
    return encodeControl({
      is: 'resume',
      ...credentials,
      attempt: random(4) === 0 ? oneOf(random, EDGES) : this.#ends.length,
      received: random(6) === 0 ? oneOf(random, EDGES) : 0,
      messagesSent: random(2) === 0 ? oneOf(random, EDGES) : 0,
      ...offer,
    });
  }

  #noteTicket({ sent: [answer] }: CableEnd): void {
    // WELCOME: two bytes of header, its type, id and secret.
    if (answer instanceof Uint8Array && answer[2] === 2) this.#tickets.push({ id: answer.slice(3, 19), secret: answer.slice(19, 35) });
  }

  /** Of one of the strangers' sessions. */
  #applicationDoes(): void {
    const random = this.#random;
    const application = oneOf(random, this.#servers.slice(1));
    if (application === undefined) return;
    application.send(random(100), true);
    if (random(3) === 0) application.take(1);
    if (random(15) === 0) void application.end.close(oneOf(random, [1000, 1001, 4403]));
  }

  /** Who is over and still to be read may count as away, too. Plain comparisons: there are thousands of knocks. */
  #expectBounds(): void {
    const { registry, serverClients } = this.world;
    const { detached, detachedBytes } = registry.metrics;
    const away = serverClients.filter(({ state }) => state === 'reconnecting').length;
    const isBounded = detached <= bounds.maxDetached && detachedBytes >= 0 && detachedBytes <= bounds.maxDetachedBytes;
    if (!isBounded || away > detached || registry.present < 1) {
      expect({ detached, detachedBytes, away, present: registry.present }).toBe('within bounds, and of everyone who is away');
    }
  }
}

function receive(end: CableEnd, batch: Uint8Array<ArrayBuffer>): void {
  end.events?.received(batch, batch.length);
}

/** Some as they are, some with a byte changed, some with more behind. */
function spoilt(random: Random, batch: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (random(8) === 0 && batch.length > 0) batch[random(batch.length)] = random(256);
  return random(4) === 0 ? Uint8Array.from([...batch, ...records(random)]) : batch;
}

function records(random: Random): Uint8Array<ArrayBuffer> {
  if (random(6) === 0) return noise(random, 1 + random(30));
  return Uint8Array.from(Buffer.concat(Array.from({ length: 1 + random(6) }, () => oneOf(random, RECORDS))));
}
