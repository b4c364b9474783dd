/** The plots of docs/performance.md, as SVG for a light and for a dark page. */
import { mkdirSync, writeFileSync } from 'node:fs';
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { sideLabels } from './sides.mjs';
import { summarize } from './summary.mjs';

const folder = new URL('../docs/images/', import.meta.url);
const WIDTH = 760;
const LOG_TICKS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const ROW_HEIGHT = 17;
/** Of one name in the legend of a line plot. */
const LEGEND_WIDTH = 135;
const schemes = {
  light: { background: '#ffffff', color: '#1f2328', sides: ['#59636e', '#9a6700', '#1a7f37', '#0969da', '#8250df'] },
  dark: { background: '#0d1117', color: '#f0f6fc', sides: ['#9198a1', '#d29922', '#3fb950', '#4493f8', '#ab7df8'] },
};
const names = Object.keys(sideLabels);
const labelOf = (side) => sideLabels[side] ?? `the browser's own`;

/** What each plot shows. A group without an entry has a table alone. */
const plotOf = {
  echo: ratios,
  broadcast: ratios,
  memory: (group, results, scheme) => amounts(group, results, scheme, { type: 'linear', zero: true, label: 'KiB' }),
  handshakes: ratios,
  streams: ratios,
  browser: ratios,
  latency: (group, results, scheme) => amounts(group, results, scheme, { type: 'log', label: 'ms' }),
  scale: growth,
};

/** @returns whether the group has plots: `performance-<name>-<scheme>.svg` in docs/images/. */
export function writePlots(group, results) {
  const draw = plotOf[group.name];
  if (draw === undefined) return false;
  mkdirSync(folder, { recursive: true });
  for (const [name, scheme] of Object.entries(schemes)) {
    const svg = draw(group, results, scheme);
    svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    writeFileSync(new URL(`performance-${group.name}-${name}.svg`, folder), `${svg.outerHTML}\n`);
  }
  return true;
}

const pointsOf = (group, results, kind) =>
  summarize(group, results)
    .filter(({ row }) => row.isDetail !== true)
    .flatMap(({ row, cells }) =>
      cells.map((cell) => ({
        row: row.label,
        key: row.key,
        side: labelOf(cell.side),
        name: cell.side,
        ...cell[kind],
        target: cell.target,
      })),
    );

/** Medians and quartiles as multiples of the first side, whose line is at 1, with the targets. */
function ratios(group, results, scheme) {
  const points = pointsOf(group, results, 'ratio').filter(({ name }) => name !== group.sides[0]);
  return dots(points, scheme, { type: 'log', label: `multiple of ${labelOf(group.sides[0])} (log)` }, [
    Plot.ruleX([1], { stroke: scheme.color, strokeOpacity: 0.5 }),
  ]);
}

function amounts(group, results, scheme, scale) {
  return dots(pointsOf(group, results, 'value'), scheme, scale, []);
}

/** A row of dots for each kind of work, with the quartiles as lines and the targets as ticks. */
function dots(points, scheme, x, marks) {
  const labels = [...new Set(points.map(({ row }) => row))];
  const sides = [...new Set(points.map(({ side }) => side))];
  const placed = { y: 'side', fy: 'row', stroke: 'name' };
  return plot(scheme, {
    height: labels.length * (sides.length * ROW_HEIGHT + 14) + 60,
    marginLeft: 140,
    marginRight: 230,
    x: { ...x, grid: true, tickFormat: String, ...(x.type === 'log' ? { ticks: LOG_TICKS.filter(isWithin(points)) } : {}) },
    y: { domain: sides, label: null, tickSize: 0 },
    fy: { domain: labels, label: null },
    marks: [
      ...marks,
      Plot.link(points, { ...placed, x1: 'lower', x2: 'upper', y1: 'side', y2: 'side', strokeWidth: 2.5, strokeOpacity: 0.5 }),
      Plot.dot(points, { ...placed, x: 'median', fill: 'name', r: 4 }),
      Plot.tickX(
        points.filter(({ target }) => target !== undefined),
        { ...placed, x: ({ target }) => target.least ?? target.most, strokeWidth: 2 },
      ),
    ],
  });
}

const isWithin = (points) => {
  const [least, most] = [Math.min(...points.map(({ lower }) => lower)), Math.max(...points.map(({ upper }) => upper))];
  return (tick) => tick >= least && tick <= most;
};

/** The cost at each size, as a multiple of the cost at the smallest: a flat line is linear growth. */
function growth(group, results, scheme) {
  const figures = group.figures.filter(({ key }) => !key.endsWith('All') && key !== 'killed' && key !== 'left');
  const smallest = group.sizes[0];
  const points = figures.flatMap(({ key, label }) =>
    group.sides.flatMap((side) =>
      group.sizes.flatMap((size) => {
        const [cost, unit] = [size, smallest].map((each) => results[side][`${each}-${key}`]);
        return cost.map((value, round) => ({ label, size, name: side, side: labelOf(side), value: value / unit[round] }));
      }),
    ),
  );
  return plot(scheme, {
    height: figures.length * 130 + 40,
    marginLeft: 50,
    marginRight: 260,
    x: { type: 'log', domain: [smallest, group.sizes.at(-1)], ticks: group.sizes, tickFormat: ',', label: 'connections' },
    y: { grid: true, label: `multiple of the cost at ${smallest.toLocaleString('en-US')}`, zero: true, ticks: 4 },
    fy: { domain: figures.map(({ label }) => label), label: null },
    marks: [
      Plot.line(points, Plot.groupX({ y: 'median' }, { x: 'size', y: 'value', fy: 'label', stroke: 'name', strokeWidth: 2 })),
      Plot.dot(points, Plot.groupX({ y: 'median' }, { x: 'size', y: 'value', fy: 'label', fill: 'name' })),
      ...group.sides.map((name, index) =>
        Plot.text([{ name, label: figures[0].label, side: labelOf(name) }], {
          text: 'side',
          fill: 'name',
          fy: 'label',
          frameAnchor: 'top-left',
          dx: 8 + index * LEGEND_WIDTH,
        }),
      ),
    ],
  });
}

function plot(scheme, options) {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  return Plot.plot({
    document,
    width: WIDTH,
    style: { background: scheme.background, color: scheme.color, fontFamily: 'system-ui, sans-serif', fontSize: '12px' },
    color: { domain: ['native', ...names], range: [scheme.sides[0], ...scheme.sides] },
    ...options,
  });
}
