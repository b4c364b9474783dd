import { decodeSnapshot, TICK_MS } from '/shared/arena.js';

/** Other players are shown this far in the past, so that two snapshots are available for interpolation even when one is late. */
const DELAY_MS = 110;
const KEPT_SNAPSHOTS = 12;
/** Lets the clock's offset grow again slowly, so that one early packet does not set it permanently. */
const OFFSET_CREEP_MS = 0.4;

/** The page's copy of the arena: players, sparkles, and interpolated positions. */
export class World {
  id;
  players = new Map();
  sparkles = new Map();
  roundEndsAt = 0;
  #snapshots = [];
  #offsetMs;
  #onNews;

  /** Calls `onNews` with every message that a view may show, after the world has changed. */
  constructor(onNews) {
    this.#onNews = onNews;
  }

  get me() {
    return this.players.get(this.id);
  }

  /** Takes a message of either kind. `now` is the time of arrival, in milliseconds. */
  take(message, now) {
    if (typeof message === 'string') this.#hear(JSON.parse(message), now);
    else this.#see(decodeSnapshot(message), now);
  }

  /** All positions at `now`, by id. */
  positions(now) {
    if (this.#snapshots.length === 0) return new Map();
    const tick = (now - this.#offsetMs - DELAY_MS) / TICK_MS;
    const later = this.#snapshots.find((snapshot) => snapshot.tick >= tick) ?? this.#snapshots.at(-1);
    const earlier = this.#snapshots.findLast((snapshot) => snapshot.tick <= tick) ?? this.#snapshots[0];
    const share = later.tick > earlier.tick ? (tick - earlier.tick) / (later.tick - earlier.tick) : 0;
    return between(earlier.positions, later.positions, share);
  }

  /** This player's last position on the server. */
  get ownOnServer() {
    return this.#snapshots.at(-1)?.positions.get(this.id);
  }

  #see(snapshot, now) {
    if (snapshot === undefined) return;
    const offset = now - snapshot.tick * TICK_MS;
    this.#offsetMs = Math.min(offset, (this.#offsetMs ?? offset) + OFFSET_CREEP_MS);
    this.#snapshots.push(snapshot);
    if (this.#snapshots.length > KEPT_SNAPSHOTS) this.#snapshots.shift();
  }

  #hear(news, now) {
    const before = this.players.get(news.id ?? news.player?.id);
    switch (news.type) {
      case 'welcome':
        this.#begin(news, now);
        break;
      case 'joined':
      case 'renamed':
        this.players.set(news.player.id, news.player);
        break;
      case 'left':
        this.players.delete(news.id);
        break;
      case 'scored':
        this.sparkles.delete(news.sparkle);
        this.sparkles.set(news.next.id, news.next);
        if (before !== undefined) before.score = news.score;
        break;
      case 'time':
        this.roundEndsAt = now + news.roundMs;
        break;
      case 'round':
        for (const player of this.players.values()) player.score = 0;
        this.roundEndsAt = now + news.roundMs;
        break;
    }
    this.#onNews(news, news.type === 'renamed' ? { ...before } : before);
  }

  #begin({ id, players, sparkles, roundMs }, now) {
    this.id = id;
    this.players = new Map(players.map((player) => [player.id, player]));
    this.sparkles = new Map(sparkles.map((sparkle) => [sparkle.id, sparkle]));
    this.roundEndsAt = now + roundMs;
    this.#snapshots = [];
    this.#offsetMs = undefined;
  }
}

function between(earlier, later, share) {
  const positions = new Map();
  for (const [id, to] of later) {
    const from = earlier.get(id) ?? to;
    positions.set(id, { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share });
  }
  return positions;
}
