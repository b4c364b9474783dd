/** The rules, independent of chat and screen: chatters vote, the piece makes the move with most votes and collects gems. */

/** @typedef {'left' | 'right' | 'up' | 'down'} Move */
/** @typedef {{ x: number, y: number }} Place */
/** @typedef {{ width: number, height: number, piece: Place, gem: Place, score: number, votes: Map<string, Move> }} Game */

/** @type {Readonly<Record<Move, Place>>} */
const STEPS = { left: { x: -1, y: 0 }, right: { x: 1, y: 0 }, up: { x: 0, y: -1 }, down: { x: 0, y: 1 } };

/** @returns {Game} */
export function newGame(width = 15, height = 7) {
  const piece = { x: Math.floor(width / 2), y: Math.floor(height / 2) };
  return { width, height, piece, gem: { x: piece.x + 2, y: piece.y }, score: 0, votes: new Map() };
}

/**
 * Counts a chat line if it is a vote. A chatter has one vote per round; the last one counts.
 * @param {Game} game
 * @param {string} nick
 * @param {string} text
 * @returns {boolean} true if it was a vote
 */
export function vote(game, nick, text) {
  const move = /^!(left|right|up|down)\b/i.exec(text.trim())?.[1]?.toLowerCase();
  if (move === undefined) return false;
  game.votes.set(nick, /** @type {Move} */ (move));
  return true;
}

/**
 * Ends the round with the move that has most votes; of two with equal votes, the earlier one wins.
 * @param {Game} game
 * @param {() => number} random in [0, 1), for the next gem's place
 * @returns {{ move: Move, votes: number } | undefined} undefined without votes
 */
export function endRound(game, random) {
  /** @type {Map<Move, number>} */
  const counts = new Map();
  for (const move of game.votes.values()) counts.set(move, (counts.get(move) ?? 0) + 1);
  game.votes.clear();
  const [best] = [...counts].sort(([, a], [, b]) => b - a);
  if (best === undefined) return undefined;
  const [move, votes] = best;
  game.piece = {
    x: clamp(game.piece.x + STEPS[move].x, game.width),
    y: clamp(game.piece.y + STEPS[move].y, game.height),
  };
  if (isAt(game.piece, game.gem)) {
    game.score += 1;
    while (isAt(game.piece, game.gem)) {
      game.gem = { x: Math.floor(random() * game.width), y: Math.floor(random() * game.height) };
    }
  }
  return { move, votes };
}

/**
 * The field as text, one line for each row.
 * @param {Game} game
 */
export function draw({ width, height, piece, gem }) {
  /** @param {Place} place */
  const symbol = (place) => (isAt(place, piece) ? '@' : isAt(place, gem) ? '*' : '.');
  const row = (/** @type {number} */ y) => Array.from({ length: width }, (_, x) => symbol({ x, y })).join(' ');
  return Array.from({ length: height }, (_, y) => row(y)).join('\n');
}

/** @type {(value: number, size: number) => number} */
const clamp = (value, size) => Math.min(size - 1, Math.max(0, value));
/** @type {(a: Place, b: Place) => boolean} */
const isAt = (a, b) => a.x === b.x && a.y === b.y;
