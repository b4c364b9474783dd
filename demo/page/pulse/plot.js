import uPlot from '/uplot/uPlot.esm.js';
import { onThemeChange, themeColors } from '../dom.js';

const HEIGHT_PX = 200;

/** A uPlot that moves: the last `length` samples, gaps where there was nothing to measure, and the theme's colours. */
export class LivePlot {
  #root;
  #series;
  #length;
  #columns;
  #plot;
  #least;

  /** `least` is the smallest top of the scale, so that a quiet line does not look wild. */
  constructor(root, series, length, least) {
    this.#root = root;
    this.#series = series;
    this.#length = length;
    this.#least = least;
    this.#columns = [[], ...series.map(() => [])];
    this.#build();
    onThemeChange(() => this.#build());
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(root);
  }

  push(values) {
    const row = [Date.now() / 1000, ...values];
    for (const [i, column] of this.#columns.entries()) {
      column.push(row[i]);
      if (column.length > this.#length) column.shift();
    }
    this.#plot.setData(this.#columns);
  }

  /** The least and the most of a series, in words. */
  summary(index, format) {
    const values = this.#columns[index + 1].filter((value) => value !== null);
    return values.length === 0 ? '' : `Between ${format(Math.min(...values))} and ${format(Math.max(...values))}.`;
  }

  /** Where nothing could be measured, the ground is shaded. */
  #shadeGaps({ ctx, bbox, valToPos }, color) {
    const [times, values] = this.#columns;
    ctx.fillStyle = color;
    let from;
    for (const [i, value] of values.entries()) {
      if (value === null && i > 0 && values[i - 1] !== null) from = times[i - 1];
      const isOver = value !== null || i === values.length - 1;
      if (from === undefined || !isOver) continue;
      const left = Math.max(bbox.left, valToPos(from, 'x', true));
      ctx.fillRect(left, bbox.top, valToPos(times[i], 'x', true) - left, bbox.height);
      from = undefined;
    }
  }

  #size() {
    return { width: Math.max(120, this.#root.clientWidth), height: HEIGHT_PX };
  }

  #build() {
    this.#plot?.destroy();
    const colors = themeColors('ink-2', 'line', 'gap', ...this.#series.map(({ color }) => color));
    const font = `12px ${getComputedStyle(this.#root).fontFamily}`;
    const axis = { stroke: colors['ink-2'], font, grid: { stroke: colors.line, width: 1 }, ticks: { show: false } };
    this.#plot = new uPlot(
      {
        ...this.#size(),
        legend: { show: false },
        cursor: { show: false },
        padding: [8, 30, 0, 0],
        scales: {
          x: { time: true, range: (_, __, max) => [max - this.#length / 2, max] },
          y: { range: (_, __, max) => [0, Math.max(this.#least, (max ?? 0) * 1.15)] },
        },
        axes: [
          { ...axis, grid: { show: false }, space: 90, values: (_, ticks) => ticks.map(clock) },
          { ...axis, size: 44, space: 40 },
        ],
        hooks: { drawClear: [(plot) => this.#shadeGaps(plot, colors.gap)] },
        series: [{}, ...this.#series.map(({ color, fill }) => seriesStyle(colors[color], fill))],
      },
      this.#columns,
      this.#root,
    );
    this.#plot.root.setAttribute('aria-hidden', 'true');
  }
}

function seriesStyle(color, isFilled) {
  const fill = isFilled ? { fill: color.replace(/^rgb\((.*)\)$/, 'rgb($1, 0.12)') } : {};
  return { stroke: color, width: 2, points: { show: false }, spanGaps: false, ...fill };
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
