import { reducedMotion } from '../dom.js';

const BURST_MS = 620;
const MAX_BURSTS = 24;
const SHARDS = 9;
const TRAIL_MS = 300;
/** A trail gets no new point nearer than this to its last: it would only make the outline ragged. */
const TRAIL_STEP = 5;

/** What flies off when a sparkle is caught, and what trails behind a moving gem. Nothing, for those who asked for stillness. */
export class Effects {
  bursts = [];
  #trails = new Map();

  burst(at, hue, now, label) {
    if (reducedMotion.matches) return;
    this.bursts.push({ ...at, hue, label, startedAt: now, turn: Math.random() * Math.PI });
    if (this.bursts.length > MAX_BURSTS) this.bursts.shift();
  }

  /** Forgets what is over, and lengthens the trails. */
  advance(positions, now) {
    this.bursts = this.bursts.filter(({ startedAt }) => now - startedAt < BURST_MS);
    if (reducedMotion.matches) this.#trails.clear();
    else for (const [id, { x, y }] of positions) this.#lengthen(id, x, y, now);
    for (const id of this.#trails.keys()) if (!positions.has(id)) this.#trails.delete(id);
  }

  trail(id) {
    return this.#trails.get(id) ?? [];
  }

  /** Where the shards of a burst are: an angle, a distance and how much is left of them. */
  shards({ startedAt, turn }, now) {
    const age = (now - startedAt) / BURST_MS;
    const distance = 14 + 46 * (1 - (1 - age) ** 3);
    return { left: 1 - age, distance, angles: Array.from({ length: SHARDS }, (_, i) => turn + (i / SHARDS) * 2 * Math.PI) };
  }

  #lengthen(id, x, y, now) {
    const trail = (this.#trails.get(id) ?? []).filter((point) => now - point.at < TRAIL_MS);
    const last = trail.at(-1);
    if (last === undefined || Math.hypot(x - last.x, y - last.y) >= TRAIL_STEP) trail.push({ x, y, at: now });
    this.#trails.set(id, trail);
  }
}
