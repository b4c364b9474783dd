import { MINERALS } from '/shared/arena.js';
import { svgElement } from '../dom.js';
import { facetsFor, lightness } from './gems.js';

/** A small picture of a stone, for lists and choices. */
export function gemIcon(mineralId) {
  const { cut, hue } = MINERALS.find(({ id }) => id === mineralId) ?? MINERALS[0];
  const facets = facetsFor(cut).map(({ points, normal }) => {
    const fill = `hsl(${hue} 72% ${lightness(normal, 0, [26, 78]).toFixed(0)}%)`;
    return svgElement('polygon', {
      points: points.map(([x, y]) => `${x.toFixed(3)},${y.toFixed(3)}`).join(' '),
      fill,
      stroke: fill,
      'stroke-width': 0.02,
    });
  });
  return svgElement('svg', { viewBox: '-1.28 -1.28 2.56 2.56', 'aria-hidden': 'true', class: 'gem-icon' }, ...facets);
}
