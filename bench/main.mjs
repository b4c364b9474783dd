/**
 * `npm run bench [-- --only echo,memory] [--rounds 7] [--quick]`: measures every group, prints its table with targets and verdicts, keeps
 * the results in bench/results/ and writes docs/performance.md from them. `--quick` is for a look: few rounds, short, nothing is written.
 * `--profile` writes a CPU profile of every process to .cache/profiles/, for DevTools; profiling slows the sides down, so nothing else is.
 */
import { parseArgs } from 'node:util';
import { groupNames, loadGroup } from './groups.mjs';
import { runGroup } from './harness.mjs';
import { installPeers } from './install.mjs';
import { describeMachine, saveResults } from './results.mjs';
import { sideLabels } from './sides.mjs';
import { printTable } from './statistics.mjs';
import { format, formatSpread, formatTarget, formatVerdict, summarize } from './summary.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: groupNames.join(',') },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const ROUNDS = 7;
const PROFILING = ['--cpu-prof', '--cpu-prof-dir=.cache/profiles'];
const isKept = !options.quick && !options.profile;
const QUICK_ROUNDS = 2;

function printGroup(group, rounds, results) {
  const lines = summarize(group, results).flatMap(({ row, cells }) =>
    cells.map(({ side, value, ratio, target, isMet }, index) => [
      index === 0 ? row.label : '',
      sideLabels[side] ?? side,
      `${format(value.median)} ${row.unit}`,
      formatSpread(row.isAbsolute ? value : ratio),
      target === undefined ? '' : formatTarget(target),
      isMet === undefined ? '' : formatVerdict(isMet),
    ]),
  );
  printTable(`${group.title}: medians of ${rounds}`, ['', 'side', 'median', 'ratio, or value (quartiles)', 'target', 'verdict'], lines);
}

/** One line that the next replaces, on a terminal only. */
function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}

await installPeers();
const machine = describeMachine();
console.log(Object.values(machine).join(', '));
for (const name of options.only.split(',')) {
  const group = await loadGroup(name);
  const rounds = Number(options.rounds ?? (options.quick ? QUICK_ROUNDS : (group.rounds ?? ROUNDS)));
  const onRound = (round, side) => progress(`${name}, round ${round + 1} of ${rounds}: ${side}`);
  const results = await runGroup(group, { rounds, isQuick: options.quick, nodeOptions: options.profile ? PROFILING : [], onRound });
  progress('');
  printGroup(group, rounds, results);
  if (isKept) saveResults(group, { machine, rounds, results });
}
// The library for the plots is one of the packages that were installed above.
if (isKept) await (await import('./report.mjs')).writeReport();
