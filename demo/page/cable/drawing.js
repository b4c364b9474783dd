import { byId, svgElement } from '../dom.js';

/** Wider than any page: the drawing is clipped at its two ends. */
const FAR = 1_400;
const strands = { plain: -26, session: 26 };

/** The cable between this page and the server: a strand for each connection, and the present fault. */
export class CableDrawing {
  #root = byId('cable-drawing');
  #caption = byId('cable-caption');
  #strands = new Map();
  #cutUntil = 0;

  constructor() {
    for (const [name, y] of Object.entries(strands)) this.#strands.set(name, strand(y));
    this.#root.append(...this.#strands.values(), ...marks());
  }

  /** A cut takes only a moment; the drawing shows it for longer. */
  cut() {
    this.#cutUntil = performance.now() + 900;
  }

  /** `cutInMs`: the time until the page cuts the cable automatically, if it will. */
  show(faults, states, cutInMs) {
    for (const [name, group] of this.#strands) group.dataset.state = states[name];
    const fault = this.#faultOf(faults);
    this.#root.dataset.fault = fault;
    this.#root.dataset.delayed = String(faults.isDelayed);
    const sentence = sentences[fault] ?? (faults.isDelayed ? sentences.slow : allOpen(states) ? sentences.well : sentences.back);
    this.tell(cutInMs === undefined ? sentence : `${sentence} The first cut happens automatically in ${Math.ceil(cutInMs / 1000)} s.`);
  }

  tell(caption) {
    if (this.#caption.textContent !== caption) this.#caption.textContent = caption;
  }

  #faultOf({ frozenMs, refusedMs }) {
    if (refusedMs > 0) return 'refused';
    if (frozenMs > 0) return 'frozen';
    return this.#cutUntil > performance.now() ? 'cut' : 'none';
  }
}

const sentences = {
  well: 'The cable is intact. A message takes 40 ms each way.',
  back: 'The cable is intact. Disconnected clients reconnect.',
  slow: 'Slow: a message takes 540 ms each way.',
  cut: 'Cut. The messages in the cable are lost.',
  frozen: 'Frozen. No data passes, and neither end is notified.',
  refused: 'Cut. New connections are refused for now.',
};

function allOpen(states) {
  return Object.values(states).every((state) => state === 'open');
}

function strand(y) {
  const line = (className, d) => svgElement('path', { class: className, d });
  return svgElement(
    'g',
    { class: 'strand', transform: `translate(0 ${y})` },
    line('wire', `M${-FAR} 0H-13`),
    line('wire', `M13 0H${FAR}`),
    line('wire bridge', 'M-13 0H13'),
    line('wire coil', 'M-13 0C-4 0-2-15-7-15S-9 0 0 0S7-15 2-15S4 0 13 0'),
    line('ends', 'M-13 0l7-6M-13 0h5M-13 0l7 6M13 0l-7-6M13 0h-5M13 0l-7 6'),
    line('flow up', `M${-FAR} -6H${FAR}`),
    line('flow down', `M${FAR} 6H${-FAR}`),
  );
}

function marks() {
  return [
    svgElement('path', {
      class: 'mark frost',
      d: 'M0-36V36M-31-18L31 18M-31 18L31-18M-6-30L0-24L6-30M-6 30L0 24L6 30M-29-9L-21-12L-23-21M29 9L21 12L23 21M-29 9L-21 12L-23 21M29-9L21-12L23-21',
    }),
    svgElement('path', { class: 'mark cut-line', d: 'M4-48L-3-26L3-10L-3 10L3 26L-4 48' }),
    svgElement('path', { class: 'mark barrier', d: 'M40-40V40M48-40V40' }),
  ];
}
