import { reducedMotion } from '../dom.js';

const BURST_MS = 620;
const MAX_BURSTS = 24;
const SHARDS = 9;
const TRAIL_MS = 300;
/** The minimum distance between two points of a trail: nearer points make the outline ragged. */
const TRAIL_STEP = 5;

/** The burst of a caught sparkle and the trail of a moving gem. With reduced motion there are none. */
export class Effects {
  bursts = [];
  #trails = new Map();

  burst(at, hue, now, label) {
    if (reducedMotion.matches) return;
    this.bursts.push({ ...at, hue, label, startedAt: now, turn: Math.random() * Math.PI });
    if (this.bursts.length > MAX_BURSTS) this.bursts.shift();
  }

  /** Removes finished effects, and extends the trails. */
  advance(positions, now) {
    this.bursts = this.bursts.filter(({ startedAt }) => now - startedAt < BURST_MS);
    if (reducedMotion.matches) this.#trails.clear();
    else for (const [id, { x, y }] of positions) this.#lengthen(id, x, y, now);
    for (const id of this.#trails.keys()) if (!positions.has(id)) this.#trails.delete(id);
  }

  trail(id) {
    return this.#trails.get(id) ?? [];
  }

  /** The shards of a burst: their angles, their distance and the remaining share of their life. */
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
