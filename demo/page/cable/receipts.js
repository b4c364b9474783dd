import { byId, element } from '../dom.js';

const MAX_RECEIPTS = 40;

/** The clients' reports of each disconnect, and the faults of the cable; newest first. */
export class Receipts {
  #root = byId('receipts');
  #empty = byId('receipts-empty');

  fault(text) {
    this.#add('fault', element('p', {}, text));
  }

  /** A Continuity, the argument of `reconnected`. */
  reconnected(name, { resumed, replayed, lost, reason }) {
    const facts = { resumed, replayed, lost: lost ?? 'unknown' };
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
const titles = { plain: 'Plain WebSocket, reconnected', session: 'Session, reconnected' };
