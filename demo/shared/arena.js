/**
 * Shared by the page and the demo's server: the field, the gems, and the format of the two binary messages.
 * Everything else (names, scores, joins and leaves) is JSON text.
 */

/** The room of the players, and the topic of their presence. */
export const ARENA = 'arena';

/** The field, in units. Positions travel as 16-bit numbers, {@link STEPS} to the unit. */
export const FIELD = { width: 1600, height: 980 };
export const GEM_RADIUS = 34;
export const SPARKLE_RADIUS = 10;
/** Units per second: across the field in a little over three seconds. */
export const MAX_SPEED = 460;
export const MAX_NAME_LENGTH = 16;
export const TICK_MS = 40;

/** Every mineral has its own cut, so that gems differ in more than their colour. */
export const MINERALS = [
  { id: 'ruby', name: 'Ruby', cut: 'brilliant', hue: 348 },
  { id: 'citrine', name: 'Citrine', cut: 'trillion', hue: 38 },
  { id: 'peridot', name: 'Peridot', cut: 'cushion', hue: 82 },
  { id: 'emerald', name: 'Emerald', cut: 'emerald', hue: 156 },
  { id: 'aquamarine', name: 'Aquamarine', cut: 'oval', hue: 188 },
  { id: 'sapphire', name: 'Sapphire', cut: 'hexagon', hue: 222 },
  { id: 'amethyst', name: 'Amethyst', cut: 'kite', hue: 272 },
  { id: 'rubellite', name: 'Rubellite', cut: 'marquise', hue: 322 },
];

const STEPS = 32;
const KIND_POSITION = 1;
const KIND_SNAPSHOT = 2;
const POSITION_BYTES = 5;
const HEAD_BYTES = 7;
const GEM_BYTES = 6;

export function encodePosition({ x, y }) {
  const view = new DataView(new ArrayBuffer(POSITION_BYTES));
  view.setUint8(0, KIND_POSITION);
  view.setUint16(1, x * STEPS);
  view.setUint16(3, y * STEPS);
  return view.buffer;
}

/** Undefined for bytes that are not a position on the field. */
export function decodePosition(bytes) {
  if (bytes.byteLength !== POSITION_BYTES || bytes[0] !== KIND_POSITION) return undefined;
  const view = viewOf(bytes);
  const position = { x: view.getUint16(1) / STEPS, y: view.getUint16(3) / STEPS };
  return position.x <= FIELD.width && position.y <= FIELD.height ? position : undefined;
}

/** `tick` counts {@link TICK_MS}; `gems` have a numeric id and a position. */
export function encodeSnapshot(tick, gems) {
  const view = new DataView(new ArrayBuffer(HEAD_BYTES + gems.length * GEM_BYTES));
  view.setUint8(0, KIND_SNAPSHOT);
  view.setUint32(1, tick);
  view.setUint16(5, gems.length);
  let at = HEAD_BYTES;
  for (const gem of gems) {
    view.setUint16(at, gem.id);
    view.setUint16(at + 2, gem.x * STEPS);
    view.setUint16(at + 4, gem.y * STEPS);
    at += GEM_BYTES;
  }
  return view.buffer;
}

/** Undefined for bytes that are not a snapshot. Positions by the gem's id. */
export function decodeSnapshot(bytes) {
  if (bytes.byteLength < HEAD_BYTES || bytes[0] !== KIND_SNAPSHOT) return undefined;
  const view = viewOf(bytes);
  const count = view.getUint16(5);
  if (bytes.byteLength !== HEAD_BYTES + count * GEM_BYTES) return undefined;
  const positions = new Map();
  for (let at = HEAD_BYTES; at < bytes.byteLength; at += GEM_BYTES) {
    positions.set(view.getUint16(at), { x: view.getUint16(at + 2) / STEPS, y: view.getUint16(at + 4) / STEPS });
  }
  return { tick: view.getUint32(1), positions };
}

/** A name for display: no control or direction characters, no runs of space, at most {@link MAX_NAME_LENGTH} characters. */
export function cleanName(text) {
  const name = String(text)
    .slice(0, 200)
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  return [...name].slice(0, MAX_NAME_LENGTH).join('').trim();
}

/** A gem stays this far from the edge, so that it and its outline are completely visible. */
const EDGE = GEM_RADIUS + 22;

/** Inside the field. */
export function clampToField({ x, y }) {
  return {
    x: Math.min(FIELD.width - EDGE, Math.max(EDGE, x)),
    y: Math.min(FIELD.height - EDGE, Math.max(EDGE, y)),
  };
}

function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
