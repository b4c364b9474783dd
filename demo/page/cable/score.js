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
    const isLossy = score.lost > 0;
    this.#root.dataset.tone = isLossy ? 'lossy' : 'calm';
    this.#root.querySelector('.cable-verdict').textContent = isLossy
      ? `${score.lostUp} to the server, ${score.lostDown} to this page. The client can’t tell.`
      : 'Every number arrived, or is on its way.';
    for (const name of ['duplicated', 'disordered']) this.#places.get(name).classList.toggle('wrong', score[name] > 0);
  }
}
