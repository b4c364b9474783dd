/** What several benchmarks need: medians, and a table that a person reads. */

export function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs each contender in turn, round after round, so that whatever else this machine does hits all alike. */
export async function interleave(contenders, rounds, measure) {
  const results = new Map(contenders.map(([name]) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, contender] of contenders) {
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
