import { listen } from 'gemsocket/server';
import { FEED, FEED_HISTORY, MAX_LINE_BYTES } from '../shared/feed.js';
import { SAY_MS } from '../shared/pace.js';
import { Tally } from '../shared/tally.js';
import { Cable } from './cable.js';
import { Feed } from './feed.js';

const MAX_LINES = 100;
/** A line is removed when its page has not requested it for this long. A hidden page requests it seldom. */
const FORGET_MS = 5 * 60_000;
/** The server sends numbers only if the page has requested the line within this time. */
const WATCHED_MS = 1_500;
/** A line that was not requested for this long makes room for another page's. */
const SPARE_MS = 30_000;

/**
 * The counters and the feed behind the cables: a server on a port that only this machine reaches. A plain client and a session client of
 * each page exchange numbers with it, and another session client reads the feed. A page has a line for each of the two, and the faults of a
 * line affect no other.
 */
export class CableService {
  #server;
  #lines = new Map();
  #timer;
  #feed = new Feed((line) => this.#server.publish(FEED, line).catch((error) => console.error(error)));

  async start() {
    this.#server = await listen('127.0.0.1', 0, {
      path: '/cable',
      hosts: '*', // a phone on the network uses another name for this machine, and its cable ends here, too
      maxMessageBytes: MAX_LINE_BYTES,
      maxClients: 10 * MAX_LINES,
      // The server drops a silent peer within 3 s, so that a freeze of 5 s causes a disconnect.
      liveness: { pingMs: 1_000, timeoutMs: 2_000 },
      rateLimit: { messagesPerSecond: 200, burst: 2_000 },
      session: { resumeWindowMs: 60_000, maxDetached: MAX_LINES, maxDetachedBytes: 4 * 1024 * 1024 },
      authorize: (client, action, topic) => topic === FEED && action !== 'presence' && isFeed(client),
      topics: { of: (topic) => (topic === FEED ? { historyMessages: FEED_HISTORY } : {}) },
    });
    this.#server.on('connection', (client) => this.#welcome(client));
    this.#timer = setInterval(() => this.#tick(), SAY_MS);
    this.#feed.start();
  }

  /** Adds a line of text to the feed. */
  report(line) {
    this.#feed.add(line);
  }

  async close() {
    clearInterval(this.#timer);
    this.#feed.stop();
    for (const line of this.#lines.values()) line.cable.close();
    await this.#server.close({ graceMs: 500 });
  }

  /** The line of a page, which requests it; undefined if there is no room for another. */
  look(id) {
    let line = this.#lines.get(id);
    if (line === undefined) {
      if (this.#lines.size >= MAX_LINES && !this.#makeRoom()) return undefined;
      line = new Line(this.#server.port);
      this.#lines.set(id, line);
    }
    line.lookedAt = Date.now();
    return line;
  }

  /** @returns false when there is no such line. */
  carry(request, socket, head) {
    const line = this.#lines.get(namesIn(request.url).line);
    line?.cable.carry(request, socket, head);
    return line !== undefined;
  }

  #welcome(client) {
    client.on('error', () => {}); // disconnects are the purpose of the cable
    const { line, as } = namesIn(client.request.url);
    const side = this.#lines.get(line)?.sideOf(as);
    if (side !== undefined) side.take(client);
    else if (this.#lines.has(line) && isFeed(client)) client.on('message', ignore);
    else void client.close(1008, 'There is no such line');
  }

  #tick() {
    const now = Date.now();
    for (const [id, line] of this.#lines) {
      if (now - line.lookedAt > FORGET_MS) this.#forget(id, line);
      else if (now - line.lookedAt < WATCHED_MS) line.say();
    }
  }

  #makeRoom() {
    const [id, line] = [...this.#lines].reduce((a, b) => (b[1].lookedAt < a[1].lookedAt ? b : a));
    const isSpare = Date.now() - line.lookedAt > SPARE_MS;
    if (isSpare) this.#forget(id, line);
    return isSpare;
  }

  #forget(id, line) {
    this.#lines.delete(id);
    line.cable.close();
  }
}

class Line {
  lookedAt = 0;
  #since = Date.now();
  #sides = new Map([
    ['plain', new Side()],
    ['session', new Side()],
  ]);

  constructor(port) {
    this.cable = new Cable(port);
  }

  sideOf(name) {
    return this.#sides.get(name);
  }

  /** Starts both clients at the same moment, as the page does. */
  say() {
    const sides = [...this.#sides.values()];
    if (!sides.every(({ hasBegun }) => hasBegun)) return;
    for (const side of sides) side.say();
  }

  get picture() {
    const [plain, session] = [...this.#sides.values()].map((side) => side.picture);
    return { since: this.#since, plain, session, faults: this.cable.faults };
  }
}

/** The server's end of one of the two connections. */
class Side {
  hasBegun = false;
  #client;
  #sent = 0;
  #heard = new Tally();

  take(client) {
    this.#client = client;
    this.hasBegun = true;
    client.on('message', (message) => this.#heard.take(message));
    client.on('close', () => {
      if (this.#client === client) this.#client = undefined;
    });
  }

  /** Counts a number even without a client to receive it: without a session, that number is lost. */
  say() {
    this.#sent += 1;
    if (this.#client?.state === 'open' || this.#client?.state === 'reconnecting') this.#client.sendMessage(String(this.#sent));
  }

  get picture() {
    return { sent: this.#sent, ...this.#heard.counts };
  }
}

/** A reader of the feed sends no messages but those of the topic. A full inbox would pause its connection. */
function ignore() {}

function isFeed(client) {
  return namesIn(client.request.url).as === 'feed';
}

function namesIn(url) {
  return Object.fromEntries(new URLSearchParams(url.split('?')[1]));
}
