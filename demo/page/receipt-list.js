import { byId, element } from './dom.js';

const MAX_RECEIPTS = 40;

/** A log of reports, newest first, and the text that is shown while it is empty. */
export class ReceiptList {
  #root;
  #empty;

  constructor(id) {
    this.#root = byId(id);
    this.#empty = byId(`${id}-empty`);
  }

  /** `kind` is the class of the report. */
  add(kind, ...content) {
    const at = new Date();
    const time = element('time', { datetime: at.toISOString() }, at.toTimeString().slice(0, 8));
    this.#root.prepend(element('li', { class: `receipt ${kind}` }, time, element('div', {}, ...content)));
    while (this.#root.children.length > MAX_RECEIPTS) this.#root.lastChild.remove();
    this.#empty.hidden = true;
  }

  clear() {
    this.#root.replaceChildren();
    this.#empty.hidden = false;
  }
}

/** The content of a report: its title, and a Continuity. */
export function continuityReport(title, { resumed, replayed, lost, reason }) {
  const facts = { resumed, replayed, lost: lost ?? 'unknown' };
  const list = Object.entries(facts).map(([key, value]) => element('div', {}, element('dt', {}, key), element('dd', {}, String(value))));
  return [element('p', {}, title), element('dl', { class: 'receipt-facts' }, ...list), element('p', { class: 'reason' }, reason)];
}
