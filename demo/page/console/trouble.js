import { byId, element } from '../dom.js';

/** Errors in readable form: a heading in plain words, the library's own sentence, and the context. */
const headings = {
  INSECURE_ADDRESS: 'That address is not encrypted',
  INVALID_ADDRESS: 'That is not a WebSocket address',
  INVALID_OPTION: 'A value in the form is invalid',
  CONNECT_FAILED: 'No connection',
  CONNECT_TIMEOUT: 'No answer in time',
  NOT_OPEN: 'The connection is not open',
  OUTBOX_FULL: 'Too many messages wait to be sent',
  MESSAGE_TOO_BIG: 'That message is too big',
  INBOX_FULL: 'Messages arrived faster than they were read',
  INVALID_CLOSE: 'That is not a valid close code or reason',
  UNSENT: 'Some messages were not sent',
  UNDELIVERED: 'Some messages may not have arrived',
};

export class Trouble {
  #root = byId('trouble');

  /** `remedy` is a button that follows the advice. */
  show(error, remedy) {
    const code = error.code ?? error.name;
    const facts = Object.entries(error.context ?? {}).map(([name, value]) =>
      element('div', {}, element('dt', {}, name), element('dd', {}, typeof value === 'string' ? value : JSON.stringify(value))),
    );
    this.#root.replaceChildren(
      element('p', { class: 'trouble-title' }, headings[code] ?? 'Something went wrong', ' ', element('code', {}, code)),
      element('p', {}, error.message),
      ...(facts.length > 0 ? [element('dl', { class: 'facts' }, ...facts)] : []),
      ...(remedy === undefined ? [] : [remedyButton(remedy)]),
    );
  }

  clear() {
    this.#root.replaceChildren();
  }
}

function remedyButton({ label, act }) {
  const button = element('button', { type: 'button', class: 'button small' }, label);
  button.addEventListener('click', act);
  return button;
}
