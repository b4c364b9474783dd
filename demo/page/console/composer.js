import { byId, formatBytes } from '../dom.js';

/** A browser reads a whole file into memory; a larger file does not fit one message. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Turns text, bytes or a file into one message and passes it to `send(message, title)`. */
export class Composer {
  #form = byId('composer');
  #note = byId('composer-note');
  #send;

  constructor(send) {
    this.#send = send;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.#form.addEventListener('change', (event) => event.target.name === 'kind' && this.#showKind());
    byId('send-text').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    byId('send-hex').addEventListener('input', () => this.#showHex());
    this.#showKind();
  }

  setOpen(isOpen) {
    byId('send').disabled = !isOpen;
  }

  get #kind() {
    return this.#form.elements.kind.value;
  }

  #showKind() {
    for (const field of this.#form.querySelectorAll('[data-kind]')) field.hidden = field.dataset.kind !== this.#kind;
    this.#say(
      {
        text: 'Enter sends, Shift+Enter starts a new line.',
        hex: '',
        file: 'The file is sent as one binary message. The demo’s server accepts up to 1 MiB.',
      }[this.#kind],
    );
    if (this.#kind === 'hex') this.#showHex();
  }

  #showHex() {
    const bytes = parseHex(byId('send-hex').value);
    this.#say(
      bytes === undefined ? 'Two hexadecimal digits for each byte are required: 67 65 6d' : `${bytes.length} bytes`,
      bytes === undefined,
    );
  }

  async #submit() {
    switch (this.#kind) {
      case 'text':
        if (this.#send(byId('send-text').value)) byId('send-text').value = '';
        return;
      case 'hex':
        return this.#submitHex();
      case 'file':
        return this.#submitFile(byId('send-file').files[0]);
    }
  }

  #submitHex() {
    const bytes = parseHex(byId('send-hex').value);
    this.#showHex();
    if (bytes !== undefined) this.#send(bytes);
  }

  async #submitFile(file) {
    if (file === undefined) return this.#say('Choose a file first.', true);
    if (file.size > MAX_FILE_BYTES)
      return this.#say(`${file.name} has ${formatBytes(file.size)}; this page sends up to ${formatBytes(MAX_FILE_BYTES)}.`, true);
    this.#send(new Uint8Array(await file.arrayBuffer()), file.name);
  }

  #say(text, isWrong = false) {
    this.#note.textContent = text;
    this.#note.classList.toggle('wrong', isWrong);
  }
}

/** Undefined for text that is not a sequence of bytes. Ignores spaces, commas and 0x. */
function parseHex(text) {
  const digits = text.replace(/0x|[\s,]/gi, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}
