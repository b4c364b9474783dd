import { MINERALS } from '../shared/arena.js';
import { FEED_MS } from '../shared/feed.js';

/** Lines of the arena that wait for their turn. */
const MAX_WAITING = 10;

/** The lines of the feed, one at each tick: an event of the arena, or the price of a gem. */
export class Feed {
  #publish;
  #waiting = [];
  #prices = new Map(MINERALS.map(({ name }, i) => [name, 120 + 70 * i]));
  #timer;

  /** `publish` takes each line. */
  constructor(publish) {
    this.#publish = publish;
  }

  start() {
    this.#timer = setInterval(() => this.#publish(this.#waiting.shift() ?? this.#nextPrice()), FEED_MS);
  }

  stop() {
    clearInterval(this.#timer);
  }

  add(line) {
    this.#waiting.push(line);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  #nextPrice() {
    const { name } = MINERALS[Math.floor(Math.random() * MINERALS.length)];
    const before = this.#prices.get(name);
    const price = Math.max(1, before * (1 + (Math.random() - 0.5) / 50));
    this.#prices.set(name, price);
    return `${name} ${price.toFixed(1)} ${price < before ? '▼' : '▲'} ${Math.abs(price - before).toFixed(1)}`;
  }
}
