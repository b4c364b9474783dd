import { byId, reducedMotion, svgElement } from '../dom.js';

/** The six states and all transitions of the library's state machine. */
const nodes = {
  idle: [84, 34],
  connecting: [316, 34],
  reconnecting: [84, 140],
  open: [316, 140],
  closed: [84, 246],
  closing: [316, 246],
};

const edges = {
  'idle connecting': ['M140 34H258', 'connect', 200, 26],
  'connecting open': ['M316 54V118', 'opened', 322, 90, 'start'],
  'connecting reconnecting': ['M270 54L134 118', 'failed', 196, 74, 'end'],
  'open reconnecting': ['M260 132H142', 'lost', 200, 125],
  'reconnecting open': ['M140 148H258', 'opened', 200, 162],
  'open closing': ['M316 160V224', 'close', 322, 196, 'start'],
  'closing closed': ['M260 246H142', 'answered', 200, 239],
  'reconnecting closed': ['M84 160V224', 'gave up', 90, 186, 'start'],
  'open closed': ['M270 160L134 224', 'ended', 214, 200, 'start'],
  'connecting closed': ['M372 34H384L392 42V280L384 288H104L96 280V268', 'failed', 244, 283],
  'idle closed': ['M28 34H16L8 42V238L16 246H26', '', 0, 0],
};

const HALF_WIDTH = 56;
const HALF_HEIGHT = 20;
const BEVEL = 8;
const TRAVEL_MS = 550;

const sentences = {
  idle: 'The connection is idle: connect() has not been called.',
  connecting: 'The connection is connecting.',
  open: 'The connection is open.',
  reconnecting: 'The connection is lost and reconnects automatically.',
  closing: 'The connection is closing: waiting for the other side’s close frame.',
  closed: 'The connection is closed.',
};

/** The diagram of the connection's states: highlights the current state and the last transition. */
export class MachineDiagram {
  #root = byId('machine');
  #caption = byId('machine-caption');
  #nodes = new Map();
  #edges = new Map();

  constructor() {
    this.#root.append(arrowHeads());
    for (const [name, [path, label, x, y, anchor = 'middle']] of Object.entries(edges)) {
      const line = svgElement('path', { d: path, class: 'edge', 'marker-end': 'url(#arrow)' });
      const text = svgElement('text', { x, y, 'text-anchor': anchor, class: 'edge-label' }, label);
      this.#edges.set(name, svgElement('g', {}, line, text));
    }
    for (const [state, [x, y]] of Object.entries(nodes)) this.#nodes.set(state, node(state, x, y));
    this.#root.append(...this.#edges.values(), ...this.#nodes.values());
    this.show('idle');
  }

  show(now, before) {
    for (const [state, group] of this.#nodes) group.classList.toggle('lit', state === now);
    for (const edge of this.#edges.values()) edge.classList.remove('taken');
    this.#root.dataset.state = now;
    this.#caption.textContent = sentences[now];
    const edge = this.#edges.get(`${before} ${now}`);
    if (edge === undefined) return;
    edge.classList.add('taken');
    if (!reducedMotion.matches) travel(edge.querySelector('path'));
  }
}

/** Animates the transition from its start to its end. */
function travel(path) {
  const length = path.getTotalLength();
  path.animate(
    [
      { strokeDasharray: `${length}`, strokeDashoffset: length },
      { strokeDasharray: `${length}`, strokeDashoffset: 0 },
    ],
    { duration: TRAVEL_MS, easing: 'ease-out' },
  );
}

function node(state, x, y) {
  const [l, r, t, b] = [x - HALF_WIDTH, x + HALF_WIDTH, y - HALF_HEIGHT, y + HALF_HEIGHT];
  const outline = `M${l + BEVEL} ${t}H${r - BEVEL}L${r} ${t + BEVEL}V${b - BEVEL}L${r - BEVEL} ${b}H${l + BEVEL}L${l} ${b - BEVEL}V${t + BEVEL}Z`;
  return svgElement(
    'g',
    { class: 'node', 'data-state': state },
    svgElement('path', { d: outline }),
    svgElement('text', { x, y: y + 4.5, 'text-anchor': 'middle' }, state),
  );
}

function arrowHeads() {
  const head = svgElement('path', { d: 'M0 0L8 4L0 8Z', class: 'arrow-head' });
  return svgElement(
    'defs',
    {},
    svgElement(
      'marker',
      { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: 'userSpaceOnUse', orient: 'auto' },
      head,
    ),
  );
}
