import { clampToField, cleanName, FIELD, GEM_RADIUS, MAX_SPEED, MINERALS, SPARKLE_RADIUS, TICK_MS } from '../shared/arena.js';
import { BOTS, steerBot } from './bots.js';

const SPARKLES = 14;
export const ROUND_MS = 120_000;
/** Scores of players who left are kept this long, so that a reload or a disconnect costs no points. */
const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 500;
const MAX_ID = 0xffff;
/** The factor by which a gem may exceed its speed in one message, because of a late packet or a slow frame. */
const SPEED_SLACK = 1.5;
const MAX_GAP_MS = 400;

/**
 * The game, without a network: the players on the field, their positions and their scores. Only the server decides which player
 * caught a sparkle; a player only reports a position, and the server enforces the speed limit.
 */
export class Arena {
  players = new Map();
  sparkles = new Map();
  tick = 0;
  #nextId = 1;
  #nextSparkle = 1;
  #remembered = new Map();
  #roundEndsAt;
  #now;
  #tell;

  /** `tell` receives the news for all players; `now` is in milliseconds. */
  constructor(tell, now = Date.now) {
    this.#tell = tell;
    this.#now = now;
    this.#roundEndsAt = now() + ROUND_MS;
    for (let i = 0; i < SPARKLES; i++) this.#addSparkle();
    for (const bot of BOTS) this.#add({ ...bot, isBot: true, target: undefined });
  }

  get people() {
    return [...this.players.values()].filter((player) => !player.isBot);
  }

  /** The state that a new player needs. */
  picture() {
    return {
      players: [...this.players.values()].map(publicPlayer),
      sparkles: [...this.sparkles.values()],
      roundMs: this.roundMs,
    };
  }

  /** The milliseconds until the round ends. */
  get roundMs() {
    return Math.max(0, this.#roundEndsAt - this.#now());
  }

  join({ name, mineral, token }) {
    const known = this.#remembered.get(token);
    this.#remembered.delete(token);
    const player = this.#add({
      name: cleanName(name) || 'Guest',
      mineral: mineralOr(mineral, this.#rarestMineral()),
      score: known?.score ?? 0,
      at: known?.at,
    });
    this.#tell({ type: 'joined', player: publicPlayer(player) });
    return player;
  }

  leave(player, token) {
    if (!this.players.delete(player.id)) return;
    this.#remembered.set(token, { score: player.score, at: { x: player.x, y: player.y }, until: this.#now() + REMEMBER_MS });
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value);
    this.#tell({ type: 'left', id: player.id, name: player.name });
  }

  rename(player, { name, mineral }) {
    player.name = cleanName(name) || player.name;
    player.mineral = mineralOr(mineral, player.mineral);
    this.#tell({ type: 'renamed', player: publicPlayer(player) });
  }

  /** Moves a player towards the reported position, no farther than the speed limit allows. */
  move(player, claimed) {
    const now = this.#now();
    const gapMs = Math.min(MAX_GAP_MS, now - player.movedAt);
    player.movedAt = now;
    stepTowards(player, claimed, (gapMs / 1000) * MAX_SPEED * SPEED_SLACK + 4);
  }

  /** One tick: bots move, sparkles are caught, and the round may end. */
  advance() {
    this.tick += 1;
    for (const player of this.players.values()) {
      if (player.isBot) stepTowards(player, steerBot(player, this.sparkles, TICK_MS), (TICK_MS / 1000) * MAX_SPEED);
      this.#collect(player);
    }
    const now = this.#now();
    for (const [token, { until }] of this.#remembered) if (until < now) this.#remembered.delete(token);
    if (now >= this.#roundEndsAt) this.#endRound();
  }

  /** The clock of the round stops while the server is stopped. */
  pausedFor(pausedMs) {
    this.#roundEndsAt += pausedMs;
    for (const memory of this.#remembered.values()) memory.until += pausedMs;
  }

  #add({ name, mineral, score = 0, at, isBot = false, ...rest }) {
    const spot = at ?? randomSpot();
    const player = { id: this.#freeId(), name, mineral, score, isBot, ...spot, movedAt: this.#now(), ...rest };
    this.players.set(player.id, player);
    return player;
  }

  /** The default stone: the one with the fewest players. */
  #rarestMineral() {
    const worn = [...this.players.values()].map(({ mineral }) => mineral);
    const count = ({ id }) => worn.filter((mineral) => mineral === id).length;
    return MINERALS.reduce((rarest, mineral) => (count(mineral) < count(rarest) ? mineral : rarest)).id;
  }

  #freeId() {
    do this.#nextId = (this.#nextId % MAX_ID) + 1;
    while (this.players.has(this.#nextId));
    return this.#nextId;
  }

  #addSparkle() {
    const sparkle = { id: this.#nextSparkle++, ...rounded(randomSpot()) };
    this.sparkles.set(sparkle.id, sparkle);
    return sparkle;
  }

  #collect(player) {
    for (const sparkle of this.sparkles.values()) {
      if (Math.hypot(sparkle.x - player.x, sparkle.y - player.y) > GEM_RADIUS + SPARKLE_RADIUS) continue;
      this.sparkles.delete(sparkle.id);
      player.score += 1;
      this.#tell({ type: 'scored', id: player.id, score: player.score, sparkle: sparkle.id, next: this.#addSparkle() });
    }
  }

  #endRound() {
    this.#roundEndsAt = this.#now() + ROUND_MS;
    const best = [...this.players.values()].reduce((a, b) => (b.score > a.score ? b : a));
    const winner = { id: best.id, name: best.name, score: best.score };
    for (const player of this.players.values()) player.score = 0;
    for (const memory of this.#remembered.values()) memory.score = 0;
    this.#tell({ type: 'round', winner, roundMs: ROUND_MS });
  }
}

function publicPlayer({ id, name, mineral, score, isBot }) {
  return { id, name, mineral, score, isBot };
}

function mineralOr(id, otherwise) {
  return MINERALS.some((mineral) => mineral.id === id) ? id : otherwise;
}

function stepTowards(player, goal, maxDistance) {
  const distance = Math.hypot(goal.x - player.x, goal.y - player.y);
  const share = distance > maxDistance ? maxDistance / distance : 1;
  Object.assign(player, clampToField({ x: player.x + (goal.x - player.x) * share, y: player.y + (goal.y - player.y) * share }));
}

/** Away from the edge, which the middle of a gem cannot reach. */
function randomSpot() {
  const margin = GEM_RADIUS * 2;
  return { x: margin + Math.random() * (FIELD.width - 2 * margin), y: margin + Math.random() * (FIELD.height - 2 * margin) };
}

function rounded({ x, y }) {
  return { x: Math.round(x), y: Math.round(y) };
}
