import { addressOf, byId, typeOfPage } from '../dom.js';
import { LivePlot } from './plot.js';

const PING_MS = 250;
const SAMPLE_MS = 500;
const SAMPLES = 120;
/** The number of unanswered pings that are kept. */
const MAX_PINGS = 20;

/**
 * Round trips and message rates. The round trips have their own connection, with a handler that runs as soon as a message
 * arrives: a frame loop would add the time of a frame.
 */
export function startPulse(bus, arena) {
  const trips = new RoundTrips(bus);
  const rtt = new LivePlot(byId('rtt-plot'), [{ label: 'ms', color: 'accent', fill: true }], SAMPLES, 1);
  const rate = new LivePlot(
    byId('rate-plot'),
    [
      { label: 'in', color: 'go' },
      { label: 'out', color: 'accent' },
    ],
    SAMPLES,
    40,
  );
  let before = { at: performance.now(), ...arena.stats };

  setInterval(() => {
    const now = { at: performance.now(), ...arena.stats };
    const perSecond = (name) => Math.max(0, ((now[name] - before[name]) / (now.at - before.at)) * 1000);
    const [received, sent] = [perSecond('messagesReceived'), perSecond('messagesSent')];
    before = now;
    const tripMs = trips.take();
    const isOpen = arena.state === 'open';
    rtt.push([tripMs], trips.isConnected);
    rate.push(isOpen ? [received, sent] : [null, null], isOpen);
    showNow({ tripMs, received, sent, isOpen });
    byId('rtt-note').textContent = rtt.summary(0, (value) => `${value.toFixed(1)} ms`);
    byId('rate-note').textContent = sheddingNote(arena.stats.messagesShed);
  }, SAMPLE_MS);
}

class RoundTrips {
  #client;
  #sentAt = new Map();
  #next = 0;
  #fresh = [];

  constructor(bus) {
    const onMessage = (message) => this.#answered(message);
    this.#client = bus.createClient(addressOf('/echo'), onMessage, typeOfPage(), {
      protocols: ['echo'],
      reconnect: { minDelayMs: 400, maxDelayMs: 2_500 },
    });
    this.#client.on('error', () => {}); // the plot shows the disconnect
    setInterval(() => this.#ping(), PING_MS);
  }

  get isConnected() {
    return this.#client.isConnectionOpen();
  }

  /** The median of the round trips since the last call; null if there was none. */
  take() {
    const sorted = this.#fresh.sort((a, b) => a - b);
    this.#fresh = [];
    return sorted.length === 0 ? null : sorted[Math.floor(sorted.length / 2)];
  }

  #ping() {
    if (!this.#client.isConnectionOpen()) return this.#sentAt.clear();
    const name = String(this.#next++);
    this.#sentAt.set(name, performance.now());
    if (this.#sentAt.size > MAX_PINGS) this.#sentAt.delete(this.#sentAt.keys().next().value);
    this.#client.sendMessage(name, 'volatile');
  }

  #answered(name) {
    const sentAt = this.#sentAt.get(name);
    if (sentAt === undefined) return;
    this.#sentAt.delete(name);
    this.#fresh.push(performance.now() - sentAt);
  }
}

function showNow({ tripMs, received, sent, isOpen }) {
  byId('rtt-now').textContent = tripMs === null ? '–' : tripMs.toFixed(tripMs < 10 ? 1 : 0);
  byId('in-now').textContent = isOpen ? received.toFixed(0) : '–';
  byId('out-now').textContent = isOpen ? sent.toFixed(0) : '–';
}

function sheddingNote(shed) {
  return shed === 0 ? '' : `${shed} outdated positions were dropped instead of queued.`;
}
