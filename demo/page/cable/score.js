import { byId } from '../dom.js';

const counters = ['sent', 'received', 'underWay', 'lost', 'duplicated', 'disordered'];

/** The counters of one connection, both directions together. */
export class Score {
  #root;
  #places;

  constructor(name) {
    this.#root = byId(`cable-${name}`);
    this.#places = new Map(counters.map((counter) => [counter, this.#root.querySelector(`[data-count="${counter}"]`)]));
  }

  show(score, state) {
    for (const [counter, place] of this.#places) place.textContent = String(score[counter]);
    this.#root.querySelector('.cable-state').dataset.state = state;
    this.#root.querySelector('.cable-state span:last-child').textContent = state;
    this.#root.dataset.tone = score.lost > 0 ? 'lossy' : 'calm';
    this.#root.classList.toggle('resumed', score.breaks > 0);
    this.#root.querySelector('.cable-verdict').textContent = verdict(score);
    for (const name of ['duplicated', 'disordered']) this.#places.get(name).classList.toggle('wrong', score[name] > 0);
  }
}

/** The result as a sentence. */
function verdict({ lost, lostUp, lostDown, breaks, replayed }) {
  if (lost > 0) return `${lostUp} to the server, ${lostDown} to this page. The client can’t tell.`;
  if (breaks === 0) return 'Every number has arrived or is in transit.';
  return `${breaks === 1 ? '1 disconnect' : `${breaks} disconnects`}, ${replayed} sent again, none missing. The client knows.`;
}
