import { connect } from '/lib/browser.dev.js';
import { session } from '/lib/session.dev.js';
import { publish, subscribe } from '/lib/topics.dev.js';
import { FEED } from '/shared/feed.js';
import { addressOf, typeOfPage, utf8Length } from '../dom.js';

/** Small, so that a visitor sees it fill: some 35 lines. */
export const WINDOW_BYTES = 2_048;
/** What a message adds to the window beside its size. */
const MESSAGE_COST = 32;
const KEPT_LINES = 6;

const options = {
  reconnect: { minDelayMs: 400, maxDelayMs: 1_000 },
  liveness: { pingMs: 1_000, timeoutMs: 2_000 },
  connectTimeoutMs: 8_000,
};

/** The counts and the last lines of one reader. */
class Reader {
  read = 0;
  lost = 0;
  /** Newest first. */
  lines = [];

  take({ message }) {
    this.read += 1;
    this.lines.unshift(message);
    if (this.lines.length > KEPT_LINES) this.lines.pop();
  }
}

/** Two readers of the feed on one connection. The quick one reads each message when it arrives; the slow one reads when `read()` is called. */
export class FeedReaders {
  slow = new Reader();
  quick = new Reader();
  #client;
  #subscription;
  #closing = new AbortController();
  #readBytes = 0;
  /** Reads that are due; a fraction remains for the next call. */
  #due = 0;

  get state() {
    return this.#client?.state ?? 'connecting';
  }

  /** `report` takes the name of a reader and a Continuity; `closed` is called when the connection has ended for good. */
  async open(line, report, closed) {
    const { signal } = this.#closing;
    const address = addressOf(`/cable?line=${line}&as=feed`);
    this.#client = await connect(address, { ...options, type: typeOfPage(), session: session(), signal });
    this.#client.on('error', () => {}); // disconnects are the purpose of the cable
    this.#client.on('close', closed);
    const slow = await subscribe(this.#client, FEED, { windowBytes: WINDOW_BYTES });
    const quick = await subscribe(this.#client, FEED, (received) => this.#takeQuick(received), { from: slow.position });
    slow.on('continuity', (continuity) => this.#continued('slow', continuity, report));
    // The first report is about the beginning: the quick reader begins where the slow one does.
    const off = quick.on('continuity', () => {
      off();
      quick.on('continuity', (continuity) => this.#continued('quick', continuity, report));
    });
    this.#subscription = slow;
  }

  close() {
    this.#closing.abort();
    void this.#client?.close();
  }

  /** Messages that were published and that the slow reader has not read. */
  get unread() {
    const { slow, quick } = this;
    return quick.read + quick.lost - slow.read - slow.lost;
  }

  /** How many messages fit into the slow reader's window. The others have not been sent. */
  get windowMessages() {
    return Math.round(WINDOW_BYTES / (MESSAGE_COST + this.#readBytes / Math.max(1, this.quick.read)));
  }

  /** Lets the slow reader read as many messages as it has time for. */
  read(perSecond, seconds) {
    this.#due += perSecond * seconds;
    while (this.#due >= 1) {
      const received = this.#subscription?.getMessage();
      this.#due = received === undefined ? 0 : this.#due - 1;
      if (received !== undefined) this.slow.take(received);
    }
  }

  /** Resolves with the line's position. */
  async publish(line) {
    return this.#client && publish(this.#client, FEED, line);
  }

  #takeQuick(received) {
    this.#readBytes += utf8Length(received.message);
    this.quick.take(received);
  }

  #continued(name, continuity, report) {
    this[name].lost += continuity.lost ?? 0;
    report(name, continuity);
  }
}
