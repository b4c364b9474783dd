/** Shared by several benchmarks: medians, and a readable table. */

export function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The heading and a row of a table that compares sessions with something else: rates, and the ratios of the pairs. */
export const comparedHead = (other) => ['64 bytes', 'session', other, 'ratio', 'middle half', 'target'];

export function comparedRow(name, session, other, target) {
  const ratio = spread(session.map((rate, round) => rate / other[round]));
  const rates = [session, other].map((all) => Math.round(median(all)));
  return [name, ...rates, ratio.median.toFixed(2), `${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)}`, target];
}

/**
 * The median and the quartiles.
 *
 * @typedef {{ readonly lower: number, readonly median: number, readonly upper: number }} Spread
 * @returns {Spread}
 */
export function spread(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { lower: at(0.25), median: median(numbers), upper: at(0.75) };
}

/** Runs the contenders in turn, round after round, so that other load on this machine affects all alike. */
export async function interleave(contenders, rounds, measure) {
  const results = new Map(contenders.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    // Every other round runs in reverse order, because the second contender may find the machine warmer.
    for (const [name, contender] of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const result = await measure(contender);
      if (round >= 0) results.get(name).push(result); // the round before the first warms up
    }
  }
  return results;
}

export function printTable(title, head, rows) {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ');
  console.log(`\n${title}\n`);
  console.log([line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.slice(1).map(line)].join('\n'));
}
