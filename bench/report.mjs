/** Writes the generated parts of docs/performance.md: between `<!-- bench: name -->` and `<!-- /bench -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { groupNames, loadGroup } from './groups.mjs';
import { writePlots } from './plots.mjs';
import { loadResults } from './results.mjs';
import { sideLabels } from './sides.mjs';
import { format, formatSpread, formatTarget, formatVerdict, summarize } from './summary.mjs';

const file = new URL('../docs/performance.md', import.meta.url);

export async function writeReport() {
  const measured = [];
  let text = readFileSync(file, 'utf8');
  for (const name of groupNames) {
    const [group, saved] = [await loadGroup(name), loadResults(name)];
    if (saved !== undefined) measured.push({ group, saved, rows: summarize(group, saved.results) });
    else text = replacePart(text, name, `${group.about}\n\nNot measured yet: \`npm run bench -- --only ${name}\`.`);
  }
  text = replacePart(text, 'verdicts', verdictsOf(measured));
  for (const { group, saved, rows } of measured) text = replacePart(text, group.name, partOf(group, saved, rows));
  writeFileSync(file, text);
}

function replacePart(text, name, content) {
  const part = new RegExp(`(<!-- bench: ${name} -->\n)[\\s\\S]*?(<!-- /bench -->)`);
  if (!part.test(text)) throw new Error(`docs/performance.md has no part "${name}".`);
  return text.replace(part, (_, start, end) => `${start}\n${content}\n\n${end}`);
}

const labelOf = (side) => sideLabels[side] ?? side;

function partOf(group, { machine, rounds, results }, rows) {
  return [
    group.about,
    ...(writePlots(group, results) ? [picture(group)] : []),
    tableOf(group, rows),
    `${Object.values(machine).join(', ')}. Medians of ${rounds === 1 ? '1 round' : `${rounds} rounds`}, quartiles in parentheses.`,
  ].join('\n\n');
}

const picture = ({ name, title }) =>
  [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="images/performance-${name}-dark.svg">`,
    `  <img src="images/performance-${name}-light.svg" alt="${title}: a plot of the table below.">`,
    '</picture>',
  ].join('\n');

/** The first side in units, the others as multiples of it; where a number of units is the point, all in units. */
function tableOf({ sides }, rows) {
  const body = rows.map(({ row, cells }) => [
    row.label,
    ...sides.map((side) => {
      const cell = cells.find((each) => each.side === side);
      if (cell === undefined) return '–';
      if (row.isAbsolute) return `${format(cell.value.median)} ${row.unit}`;
      return side === sides[0] ? `${format(cell.value.median)} ${row.unit}` : formatSpread(cell.ratio);
    }),
  ]);
  return markdownTable(['', ...sides.map(labelOf)], body);
}

function verdictsOf(measured) {
  const rows = measured.flatMap(({ group, rows: all }) =>
    all.flatMap(({ row, cells }) =>
      cells
        .filter(({ target }) => target !== undefined)
        .map(({ side, value, ratio, target, isMet }) => {
          const spread = row.isAbsolute ? value : ratio;
          return [`${group.title}: ${row.label}`, labelOf(side), formatTarget(target), formatSpread(spread), formatVerdict(isMet)];
        }),
    ),
  );
  return markdownTable(['Work', 'Side', 'Target', 'Measured', 'Verdict'], rows);
}

function markdownTable(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length), 3));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
