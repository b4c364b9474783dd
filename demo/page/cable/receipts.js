import { element } from '../dom.js';
import { continuityReport, ReceiptList } from '../receipt-list.js';

/** The clients' reports of each disconnect, and the faults of the cable. */
export class Receipts {
  #list = new ReceiptList('receipts');

  fault(text) {
    this.#list.add('fault', element('p', {}, text));
  }

  /** A Continuity, the argument of `reconnected`. */
  reconnected(name, continuity) {
    this.#list.add(name, ...continuityReport(titles[name], continuity));
  }

  closed(name, { code, reason }) {
    this.#list.add(name, element('p', {}, `${names[name]} closed with ${code}${reason === '' ? '' : ` (${reason})`}`));
  }

  clear() {
    this.#list.clear();
  }
}

const names = { plain: 'Plain WebSocket', session: 'Session' };
const titles = { plain: 'Plain WebSocket, reconnected', session: 'Session, reconnected' };
