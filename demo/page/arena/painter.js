import { FIELD, GEM_RADIUS, MINERALS, SPARKLE_RADIUS } from '/shared/arena.js';
import { onThemeChange, reducedMotion, themeColors } from '../dom.js';
import { facetsFor, lightness } from './gems.js';

const minerals = new Map(MINERALS.map((mineral) => [mineral.id, mineral]));
const MAX_PIXEL_RATIO = 2;
/** On a narrow screen the field is cropped rather than shrunk below this many pixels a unit. */
const MIN_SCALE = 0.52;
const REST_TURN = 0.35;
const RING_RADIUS = GEM_RADIUS + 18;
/** The margin between a name and the edge of the canvas. */
const NAME_MARGIN = 6;

/** Draws the field. It owns the canvas, the camera and the theme; callers pass the positions. */
export class Painter {
  #canvas;
  #ink;
  #colors;
  #font;
  #camera = { x: FIELD.width / 2, y: FIELD.height / 2, scale: 1 };
  #ground = groundPath();

  constructor(canvas) {
    this.#canvas = canvas;
    this.#ink = canvas.getContext('2d');
    this.#readTheme();
    onThemeChange(() => this.#readTheme());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  /** Converts a point of the screen into a point of the field. */
  toField = (clientX, clientY) => {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const { x, y, scale } = this.#camera;
    return { x: x + (clientX - left - width / 2) / scale, y: y + (clientY - top - height / 2) / scale };
  };

  /** One frame. `gems` are drawn in order, each with its player and position; `isAway` pales the field. */
  draw({ gems, sparkles, effects, own, isAway }, now) {
    this.#follow(own);
    const ink = this.#ink;
    const { x, y, scale } = this.#camera;
    const ratio = this.#canvas.width / this.#canvas.clientWidth || 1;
    ink.setTransform(1, 0, 0, 1, 0, 0);
    ink.fillStyle = this.#colors.field;
    ink.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    ink.setTransform(
      scale * ratio,
      0,
      0,
      scale * ratio,
      this.#canvas.width / 2 - x * scale * ratio,
      this.#canvas.height / 2 - y * scale * ratio,
    );
    this.#drawGround();
    ink.globalAlpha = isAway ? 0.35 : 1;
    for (const sparkle of sparkles.values()) this.#drawSparkle(sparkle, now);
    for (const gem of gems) this.#drawTrail(effects.trail(gem.player.id), minerals.get(gem.player.mineral));
    for (const gem of gems) this.#drawGem(gem, (isAway || gem.isAway) && gem.at !== own ? 0.35 : 1, gem.at === own);
    for (const burst of effects.bursts) this.#drawBurst(burst, effects.shards(burst, now));
    ink.globalAlpha = 1;
  }

  #readTheme() {
    this.#colors = themeColors('field', 'field-line', 'field-line-strong', 'ink', 'ink-2', 'spark', 'accent');
    this.#font = getComputedStyle(document.body).fontFamily;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    const ratio = Math.min(MAX_PIXEL_RATIO, devicePixelRatio || 1);
    this.#canvas.width = Math.max(1, Math.round(clientWidth * ratio));
    this.#canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    this.#camera.scale = Math.max(clientWidth / FIELD.width, clientHeight / FIELD.height, MIN_SCALE);
  }

  /** Keeps the own gem in sight where the field is larger than the canvas. */
  #follow(own) {
    const { scale } = this.#camera;
    const halfWidth = this.#canvas.clientWidth / scale / 2;
    const halfHeight = this.#canvas.clientHeight / scale / 2;
    this.#camera.x = held(own?.x ?? FIELD.width / 2, halfWidth, FIELD.width - halfWidth);
    this.#camera.y = held(own?.y ?? FIELD.height / 2, halfHeight, FIELD.height - halfHeight);
  }

  #drawGround() {
    const ink = this.#ink;
    ink.lineWidth = 1.2;
    ink.strokeStyle = this.#colors['field-line'];
    ink.stroke(this.#ground.facets);
    ink.strokeStyle = this.#colors['field-line-strong'];
    ink.stroke(this.#ground.gear);
  }

  #drawSparkle({ id, x, y }, now) {
    const ink = this.#ink;
    const twinkle = reducedMotion.matches ? 1 : 1 + 0.18 * Math.sin(now / 320 + id * 1.7);
    const reach = SPARKLE_RADIUS * 1.5 * twinkle;
    ink.fillStyle = this.#colors.spark;
    ink.beginPath();
    ink.moveTo(x, y - reach);
    ink.quadraticCurveTo(x + 1.5, y - 1.5, x + reach, y);
    ink.quadraticCurveTo(x + 1.5, y + 1.5, x, y + reach);
    ink.quadraticCurveTo(x - 1.5, y + 1.5, x - reach, y);
    ink.quadraticCurveTo(x - 1.5, y - 1.5, x, y - reach);
    ink.fill();
  }

  #drawTrail(trail, { hue }) {
    const ink = this.#ink;
    const [tail, head] = [trail[0], trail.at(-1)];
    if (tail === undefined || Math.hypot(head.x - tail.x, head.y - tail.y) < 6) return;
    const fade = ink.createLinearGradient(tail.x, tail.y, head.x, head.y);
    fade.addColorStop(0, `hsl(${hue} 75% 55% / 0)`);
    fade.addColorStop(1, `hsl(${hue} 75% 55% / 0.4)`);
    ink.fillStyle = fade;
    tracePolygon(ink, ribbon(trail));
    ink.fill();
  }

  #drawGem({ player, at, turn = 0 }, alpha, isOwn) {
    const ink = this.#ink;
    const { cut, hue } = minerals.get(player.mineral);
    ink.globalAlpha = alpha;
    this.#drawShadow(at);
    ink.save();
    ink.translate(at.x, at.y);
    ink.rotate(turn);
    ink.scale(GEM_RADIUS, GEM_RADIUS);
    ink.lineWidth = 0.03;
    ink.lineJoin = 'round';
    for (const { points, normal, isTable } of facetsFor(cut)) {
      ink.fillStyle = `hsl(${hue} ${isTable ? 66 : 74}% ${lightness(normal, turn * 3 + REST_TURN, [24, 80]).toFixed(1)}%)`;
      ink.strokeStyle = ink.fillStyle; // closes the seams between antialiased facets
      tracePolygon(ink, points);
      ink.fill();
      if (alpha === 1) ink.stroke();
    }
    ink.restore();
    if (isOwn) this.#drawOwnRing(at);
    this.#drawName(player, at, isOwn);
  }

  #drawShadow({ x, y }) {
    const ink = this.#ink;
    ink.fillStyle = 'rgb(0 20 16 / 0.14)';
    ink.beginPath();
    ink.ellipse(x, y + GEM_RADIUS * 0.86, GEM_RADIUS * 0.92, GEM_RADIUS * 0.34, 0, 0, 2 * Math.PI);
    ink.fill();
  }

  #drawOwnRing({ x, y }) {
    const ink = this.#ink;
    ink.strokeStyle = this.#colors.ink;
    ink.lineWidth = 2;
    ink.beginPath();
    for (let i = 0; i < 8; i++) {
      const from = (i / 8) * 2 * Math.PI + 0.16;
      ink.moveTo(x + Math.cos(from) * RING_RADIUS, y + Math.sin(from) * RING_RADIUS);
      ink.arc(x, y, RING_RADIUS, from, from + 0.46);
    }
    ink.stroke();
  }

  #drawName({ name }, { x, y }, isOwn) {
    const ink = this.#ink;
    const size = Math.max(17, 11.5 / this.#camera.scale);
    ink.font = `${isOwn ? 700 : 500} ${size}px ${this.#font}`;
    ink.textAlign = 'center';
    ink.lineWidth = 5;
    ink.lineJoin = 'round';
    ink.strokeStyle = this.#colors.field;
    const at = this.#placeName({ x, y }, ink.measureText(name).width / 2, size);
    ink.strokeText(name, at.x, at.y);
    ink.fillStyle = isOwn ? this.#colors.ink : this.#colors['ink-2'];
    ink.fillText(name, at.x, at.y);
  }

  /** Below its gem; above it at the lower edge of the canvas; and shifted if the left or right edge would clip it. */
  #placeName({ x, y }, halfWidth, size) {
    const { left, right, bottom } = this.#view;
    const room = halfWidth + NAME_MARGIN;
    const inside = held(x, left + room, right - room);
    const under = y + RING_RADIUS + 4 + size * 0.75;
    return {
      x: held(inside, x - halfWidth, x + halfWidth), // the name leaves the view with its gem
      y: under + size * 0.25 + NAME_MARGIN <= bottom ? under : y - RING_RADIUS - 4,
    };
  }

  /** The part of the field that the canvas shows. */
  get #view() {
    const { x, y, scale } = this.#camera;
    const [halfWidth, halfHeight] = [this.#canvas.clientWidth / scale / 2, this.#canvas.clientHeight / scale / 2];
    return { left: x - halfWidth, right: x + halfWidth, bottom: y + halfHeight };
  }

  #drawBurst({ x, y, hue, label }, { left, distance, angles }) {
    const ink = this.#ink;
    ink.globalAlpha = left;
    ink.strokeStyle = `hsl(${hue} 80% 58%)`;
    ink.lineWidth = 3 * left + 0.5;
    ink.beginPath();
    for (const angle of angles) {
      ink.moveTo(x + Math.cos(angle) * distance * 0.7, y + Math.sin(angle) * distance * 0.7);
      ink.lineTo(x + Math.cos(angle) * distance, y + Math.sin(angle) * distance);
    }
    ink.stroke();
    if (label === undefined) return;
    ink.font = `700 26px ${this.#font}`;
    ink.textAlign = 'center';
    ink.fillStyle = this.#colors.accent;
    ink.fillText(label, x, y - 48 - 24 * (1 - left));
  }
}

/** A cutter's diagram on the ground: the 96 notches of an index gear, and the facets of a brilliant inside it. */
function groundPath() {
  const gear = new Path2D();
  const facets = new Path2D();
  const [cx, cy, radius] = [FIELD.width / 2, FIELD.height / 2, 372];
  const at = (notch, share) => {
    const angle = (notch / 96) * 2 * Math.PI - Math.PI / 2;
    return [cx + Math.cos(angle) * radius * share, cy + Math.sin(angle) * radius * share];
  };
  for (let notch = 0; notch < 96; notch++) {
    gear.moveTo(...at(notch, 1.03));
    gear.lineTo(...at(notch, notch % 12 === 0 ? 1.1 : notch % 6 === 0 ? 1.075 : 1.05));
  }
  for (let i = 0; i < 8; i++) {
    const notch = i * 12;
    for (const [from, to] of [
      [at(notch, 1), at(notch + 6, 0.78)],
      [at(notch + 12, 1), at(notch + 6, 0.78)],
      [at(notch + 6, 1), at(notch + 6, 0.78)],
      [at(notch, 0.52), at(notch + 6, 0.78)],
      [at(notch + 12, 0.52), at(notch + 6, 0.78)],
      [at(notch, 0.52), at(notch + 12, 0.52)],
    ]) {
      facets.moveTo(...from);
      facets.lineTo(...to);
    }
  }
  facets.moveTo(cx + radius, cy);
  facets.arc(cx, cy, radius, 0, 2 * Math.PI);
  return { gear, facets };
}

/** A trail's outline: zero width at the tail, nearly a gem's width at the head. */
function ribbon(trail) {
  const left = [];
  const right = [];
  for (const [i, { x, y }] of trail.entries()) {
    const from = trail[Math.max(0, i - 1)];
    const to = trail[Math.min(trail.length - 1, i + 1)];
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    const half = (GEM_RADIUS * 0.72 * i) / trail.length / length;
    left.push([x - (to.y - from.y) * half, y + (to.x - from.x) * half]);
    right.unshift([x + (to.y - from.y) * half, y - (to.x - from.x) * half]);
  }
  return [...left, ...right];
}

function tracePolygon(ink, points) {
  ink.beginPath();
  for (const [x, y] of points) ink.lineTo(x, y);
  ink.closePath();
}

function held(value, low, high) {
  return low > high ? (low + high) / 2 : Math.min(high, Math.max(low, value));
}
