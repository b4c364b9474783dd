import { clampToField, MAX_SPEED } from '/shared/arena.js';

const KEYS = {
  ArrowLeft: [-1, 0],
  KeyA: [-1, 0],
  ArrowRight: [1, 0],
  KeyD: [1, 0],
  ArrowUp: [0, -1],
  KeyW: [0, -1],
  ArrowDown: [0, 1],
  KeyS: [0, 1],
};
/** How fast the gem follows the input, per second. */
const GRIP = 11;
/** Within this distance of the finger, the gem slows down instead of trembling. */
const ARRIVE_UNITS = 60;

/** Combines keys, pointer and touch into one wish: direction and speed. Keys count while the field has the focus. */
export class Steering {
  velocity = { x: 0, y: 0 };
  #held = new Set();
  #pointer;

  /** `toField` converts a position on the screen into one on the field. */
  constructor(field, toField) {
    field.addEventListener('keydown', (event) => this.#keyDown(event, field));
    field.addEventListener('keyup', (event) => this.#held.delete(event.code));
    field.addEventListener('blur', () => this.#held.clear());
    field.addEventListener('pointerdown', (event) => {
      field.setPointerCapture(event.pointerId);
      this.#pointer = { id: event.pointerId, x: event.clientX, y: event.clientY };
    });
    field.addEventListener('pointermove', (event) => {
      if (this.#pointer?.id === event.pointerId) this.#pointer = { id: event.pointerId, x: event.clientX, y: event.clientY };
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture']) {
      field.addEventListener(end, (event) => {
        if (this.#pointer?.id === event.pointerId) this.#pointer = undefined;
      });
    }
    this.#toField = toField;
  }

  #toField;

  get isSteering() {
    return this.#held.size > 0 || this.#pointer !== undefined;
  }

  /** Moves `position` by a frame of `seconds`. */
  move(position, seconds) {
    const wish = this.#wish(position);
    const ease = 1 - Math.exp(-GRIP * seconds);
    this.velocity.x += (wish.x * MAX_SPEED - this.velocity.x) * ease;
    this.velocity.y += (wish.y * MAX_SPEED - this.velocity.y) * ease;
    const next = clampToField({ x: position.x + this.velocity.x * seconds, y: position.y + this.velocity.y * seconds });
    Object.assign(position, next);
  }

  /** A direction with a length of at most one. */
  #wish(position) {
    if (this.#held.size > 0) {
      const sum = [...this.#held].reduce(([x, y], code) => [x + KEYS[code][0], y + KEYS[code][1]], [0, 0]);
      return upToOne(Math.sign(sum[0]), Math.sign(sum[1]));
    }
    if (this.#pointer === undefined) return { x: 0, y: 0 };
    const goal = this.#toField(this.#pointer.x, this.#pointer.y);
    return upToOne((goal.x - position.x) / ARRIVE_UNITS, (goal.y - position.y) / ARRIVE_UNITS);
  }

  #keyDown(event, field) {
    if (event.code === 'Escape') field.blur();
    if (!(event.code in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#held.add(event.code);
  }
}

function upToOne(x, y) {
  const length = Math.hypot(x, y);
  return length > 1 ? { x: x / length, y: y / length } : { x, y };
}
