import type { Position } from './backplane.js';
import type { Expiring } from './memory-deadlines.js';

/** For how long a publish is remembered by its id: the MUST of `NodeBackplane.publish`. */
export const REMEMBER_MS = 120_000;

/**
 * The ids of recent publishes, in two generations. A new one begins when the present one is `REMEMBER_MS` old or has half of the
 * bound; the one before it is then forgotten as a whole. So an id is remembered for `REMEMBER_MS` at least, unless the bound is reached.
 */
export class PublishIds implements Expiring {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #maxIds: number;
  #recent = new Map<string, Position>();
  #older = new Map<string, Position>();
  #sinceMs = 0;

  constructor(maxIds: number) {
    this.#maxIds = maxIds;
  }

  /** When the older generation expires; infinite if nothing is remembered. */
  get expiresMs(): number {
    return this.#recent.size + this.#older.size === 0 ? Number.POSITIVE_INFINITY : this.#sinceMs + REMEMBER_MS;
  }

  positionOf(id: string): Position | undefined {
    return this.#recent.get(id) ?? this.#older.get(id);
  }

  add(id: string, position: Position, nowMs: number): void {
    this.expire(nowMs);
    if (this.#recent.size * 2 >= this.#maxIds) this.#begin(nowMs);
    this.#recent.set(id, position);
  }

  expire(nowMs: number): void {
    if (nowMs >= this.expiresMs) this.#begin(nowMs);
  }

  #begin(nowMs: number): void {
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#sinceMs = nowMs;
  }
}
