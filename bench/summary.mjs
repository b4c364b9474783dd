/**
 * What the measurements of a group say: medians with quartiles, ratios and verdicts.
 *
 * @typedef {object} Cell one side in one row.
 * @property {string} side
 * @property {import('./statistics.mjs').Spread} value
 * @property {import('./statistics.mjs').Spread} ratio to the first side, of the pairs of each round.
 * @property {import('./harness.mjs').Target | undefined} target
 * @property {boolean | undefined} isMet by the median.
 */
import { spread } from './statistics.mjs';

/**
 * @param {import('./harness.mjs').Group} group
 * @param {Record<string, Record<string, number[]>>} results
 * @returns {{ row: import('./harness.mjs').Row, cells: Cell[] }[]}
 */
export function summarize({ rows, sides }, results) {
  return rows.map((row) => ({ row, cells: sides.filter((side) => isMeasured(row, side)).map((side) => cellOf(row, side)) }));

  function isMeasured({ key }, side) {
    return (results[side]?.[key]?.length ?? 0) > 0;
  }

  function cellOf(row, side) {
    const values = results[side][row.key];
    const unit = results[sides[0]]?.[row.key] ?? [];
    const [value, ratio] = [spread(values), spread(values.map((each, round) => each / unit[round]))];
    const target = row.targets?.[side];
    const { median } = row.isAbsolute ? value : ratio;
    return { side, value, ratio, target, isMet: target && ('least' in target ? median >= target.least : median <= target.most) };
  }
}

/** Three significant digits, with separators of thousands. */
export function format(number) {
  if (!Number.isFinite(number)) return '–';
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const formatTarget = (target) => ('least' in target ? `≥ ${target.least}` : `≤ ${target.most}`);
export const formatVerdict = (isMet) => (isMet ? 'met' : 'NOT MET');
/** The median, and the quartiles in parentheses. */
export const formatSpread = ({ lower, median, upper }) => `${format(median)} (${format(lower)} to ${format(upper)})`;
