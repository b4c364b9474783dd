/** The cuts: a stone's shape from above, and the light on its facets. */

const ring = (count, { turn = 0, wide = 1, high = 1 } = {}) =>
  Array.from({ length: count }, (_, i) => {
    const angle = (i / count) * 2 * Math.PI + turn;
    return [Math.cos(angle) * wide, Math.sin(angle) * high];
  });

/** Outlines around the origin, with a radius of about one, clockwise. */
const outlines = {
  brilliant: ring(10, { turn: Math.PI / 10 }),
  oval: ring(12, { wide: 1.12, high: 0.84 }),
  hexagon: ring(6, { turn: Math.PI / 6 }),
  trillion: [
    [0, -1.08],
    [0.36, -0.68],
    [0.98, 0.46],
    [0.8, 0.8],
    [-0.8, 0.8],
    [-0.98, 0.46],
    [-0.36, -0.68],
  ],
  cushion: [
    [-0.55, -0.92],
    [0.55, -0.92],
    [0.92, -0.55],
    [0.92, 0.55],
    [0.55, 0.92],
    [-0.55, 0.92],
    [-0.92, 0.55],
    [-0.92, -0.55],
  ],
  emerald: [
    [-0.82, -0.76],
    [0.82, -0.76],
    [1.12, -0.46],
    [1.12, 0.46],
    [0.82, 0.76],
    [-0.82, 0.76],
    [-1.12, 0.46],
    [-1.12, -0.46],
  ],
  kite: [
    [0, -1.12],
    [0.5, -0.62],
    [0.92, -0.06],
    [0.4, 0.62],
    [0, 1.06],
    [-0.4, 0.62],
    [-0.92, -0.06],
    [-0.5, -0.62],
  ],
  marquise: [
    [1.24, 0],
    [0.66, 0.5],
    [0, 0.68],
    [-0.66, 0.5],
    [-1.24, 0],
    [-0.66, -0.5],
    [0, -0.68],
    [0.66, -0.5],
  ],
};

/** The size of the flat top, and its height above the rim. */
const TABLE = 0.56;
const CROWN_HEIGHT = 0.5;

/** The facets of each cut: triangles from rim to table and back, and the table itself, each with its normal. */
const facetsOf = Object.fromEntries(Object.entries(outlines).map(([cut, outline]) => [cut, facet(outline)]));

export function facetsFor(cut) {
  return facetsOf[cut];
}

/** Lightness of a facet in per cent, for a light at the upper left and a stone turned by `turn`. */
export function lightness([nx, ny, nz], turn, [low, high]) {
  const cos = Math.cos(turn);
  const sin = Math.sin(turn);
  const lit = (nx * cos - ny * sin) * -0.5 + (nx * sin + ny * cos) * -0.62 + nz * 0.6;
  const glint = Math.max(0, lit) ** 6 * 0.35;
  return low + (high - low) * Math.min(1, Math.max(0, 0.42 + lit * 0.55 + glint));
}

function facet(rim) {
  const count = rim.length;
  const table = rim.map((point, i) => {
    const next = rim[(i + 1) % count];
    return [((point[0] + next[0]) / 2) * TABLE, ((point[1] + next[1]) / 2) * TABLE];
  });
  const facets = [];
  for (let i = 0; i < count; i++) {
    const next = (i + 1) % count;
    facets.push(withNormal([rim[i], rim[next], table[i]], [0, 0, CROWN_HEIGHT]));
    facets.push(withNormal([table[i], rim[next], table[next]], [CROWN_HEIGHT, 0, CROWN_HEIGHT]));
  }
  facets.push({ points: table, normal: [0, 0, 1], isTable: true });
  return facets;
}

function withNormal(points, heights) {
  const [a, b, c] = points.map(([x, y], i) => [x, y, heights[i]]);
  const u = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const v = [c[0] - a[0], c[1] - a[1], c[2] - a[2]];
  const normal = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const length = Math.hypot(...normal) * Math.sign(normal[2] || 1);
  return { points, normal: normal.map((part) => part / length), isTable: false };
}
