import uPlot from '/uplot/uPlot.esm.js';
import { onThemeChange, themeColors } from '../dom.js';
import { watchSight } from '../sight.js';

const HEIGHT_PX = 200;

/**
 * A moving uPlot of the last `length` samples in the theme's colours, shaded during disconnects. It is drawn while it is in
 * view.
 */
export class LivePlot {
  #root;
  #series;
  #length;
  #columns;
  /** For each sample: whether there was a connection. */
  #connected = [];
  #plot;
  #least;
  #isSeen = false;

  /** `least` is the minimum top of the scale, so that small changes do not look large. */
  constructor(root, series, length, least) {
    this.#root = root;
    this.#series = series;
    this.#length = length;
    this.#least = least;
    this.#columns = [[], ...series.map(() => [])];
    this.#build();
    onThemeChange(() => this.#build());
    new ResizeObserver(() => this.#plot.setSize(this.#size())).observe(root);
    watchSight(root, (isSeen) => {
      this.#isSeen = isSeen;
      this.#draw();
    });
  }

  /** `values` contains null for missing measurements. */
  push(values, isConnected) {
    const sample = [Date.now() / 1000, ...values, isConnected];
    for (const [i, column] of [...this.#columns, this.#connected].entries()) {
      column.push(sample[i]);
      if (column.length > this.#length + 1) column.shift(); // keeps the samples at both ends of the visible time
    }
    this.#draw();
  }

  /** The minimum and the maximum of a series, as text. */
  summary(index, format) {
    const values = this.#columns[index + 1].filter((value) => value !== null);
    return values.length === 0 ? '' : `Between ${format(Math.min(...values))} and ${format(Math.max(...values))}.`;
  }

  #draw() {
    if (this.#isSeen) this.#plot.setData(this.#columns);
  }

  #shadeGaps({ ctx, bbox, scales, valToPos }, color) {
    ctx.fillStyle = color;
    for (const [from, to] of gaps(this.#columns[0], this.#connected, scales.x.min)) {
      const left = Math.max(bbox.left, valToPos(from, 'x', true));
      ctx.fillRect(left, bbox.top, valToPos(to, 'x', true) - left, bbox.height);
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

/** The spans without a connection, as [from, to]: before the first sample with one, between two, and up to the last sample. */
function gaps(times, connected, start) {
  const spans = [];
  let from = start;
  for (const [i, isConnected] of connected.entries()) {
    if (!isConnected) continue;
    if (!connected[i - 1]) spans.push([from, times[i]]);
    from = times[i];
  }
  if (connected.at(-1) === false) spans.push([from, times.at(-1)]);
  return spans.filter(([, to]) => to > start);
}

function seriesStyle(color, isFilled) {
  const fill = isFilled ? { fill: color.replace(/^rgb\((.*)\)$/, 'rgb($1, 0.12)') } : {};
  return { stroke: color, width: 2, points: { show: false }, spanGaps: false, ...fill };
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
