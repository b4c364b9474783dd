import { FIELD, MAX_SPEED } from '../shared/arena.js';

/** Named after the parts of a cut stone. `pace` is a bot's share of the speed limit: slow enough that a person wins. */
export const BOTS = [
  { name: 'Pavilion', mineral: 'sapphire', pace: 0.3 },
  { name: 'Girdle', mineral: 'citrine', pace: 0.24 },
  { name: 'Culet', mineral: 'amethyst', pace: 0.34 },
  { name: 'Bezel', mineral: 'aquamarine', pace: 0.2 },
];

/** How sharply a bot turns, per second: bots move in curves and overshoot, as people do. */
const TURN = 3.2;

/** The bot's next position after `stepMs`: it moves towards a chosen sparkle, and sometimes chooses another. */
export function steerBot(bot, sparkles, stepMs) {
  const step = stepMs / 1000;
  if (!sparkles.has(bot.target) || Math.random() < 0.15 * step) bot.target = chooseSparkle(bot, sparkles);
  const goal = sparkles.get(bot.target) ?? { x: FIELD.width / 2, y: FIELD.height / 2 };
  const distance = Math.hypot(goal.x - bot.x, goal.y - bot.y) || 1;
  const speed = MAX_SPEED * bot.pace;
  const ease = Math.min(1, TURN * step);
  bot.vx = mix(bot.vx ?? 0, ((goal.x - bot.x) / distance) * speed, ease);
  bot.vy = mix(bot.vy ?? 0, ((goal.y - bot.y) / distance) * speed, ease);
  return { x: bot.x + bot.vx * step, y: bot.y + bot.vy * step };
}

/** One of the three nearest, so that not all bots choose the same sparkle. */
function chooseSparkle(bot, sparkles) {
  const nearest = [...sparkles.values()].sort((a, b) => away(a, bot) - away(b, bot)).slice(0, 3);
  return nearest[Math.floor(Math.random() * nearest.length)]?.id;
}

function away(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function mix(a, b, share) {
  return a + (b - a) * share;
}
