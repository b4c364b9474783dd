import { byId, element } from '../dom.js';

const MAX_RECEIPTS = 40;

/** What the clients tell of each break, and what was done to the cable; newest first. */
export class Receipts {
  #root = byId('receipts');
  #empty = byId('receipts-empty');

  fault(text) {
    this.#add('fault', element('p', {}, text));
  }

  /** A Continuity, as `reconnected` hands it over. */
  reconnected(name, { resumed, replayed, lost, reason }) {
    const facts = { resumed, replayed, lost: lost ?? 'not known' };
    const list = Object.entries(facts).map(([key, value]) => element('div', {}, element('dt', {}, key), element('dd', {}, String(value))));
    this.#add(
      name,
      element('p', {}, titles[name]),
      element('dl', { class: 'receipt-facts' }, ...list),
      element('p', { class: 'reason' }, reason),
    );
  }

  closed(name, { code, reason }) {
    this.#add(name, element('p', {}, `${names[name]} closed with ${code}${reason === '' ? '' : ` (${reason})`}`));
  }

  clear() {
    this.#root.replaceChildren();
    this.#empty.hidden = false;
  }

  #add(kind, ...content) {
    const at = new Date();
    const time = element('time', { datetime: at.toISOString() }, at.toTimeString().slice(0, 8));
    this.#root.prepend(element('li', { class: `receipt ${kind}` }, time, element('div', {}, ...content)));
    while (this.#root.children.length > MAX_RECEIPTS) this.#root.lastChild.remove();
    this.#empty.hidden = true;
  }
}

const names = { plain: 'Plain WebSocket', session: 'Session' };
const titles = { plain: 'Plain WebSocket, connected again', session: 'Session, connected again' };
