import { byId } from '../dom.js';

/** Publishes a visitor's line, and shows whether the server has stored it. */
export class Composer {
  #input = byId('feed-line');
  #note = byId('feed-note');
  #publish;
  #isOpen = true;

  /** `publish` returns the promise of the position; undefined without a connection. */
  constructor(publish) {
    this.#publish = publish;
    byId('feed-composer').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
  }

  show(state) {
    this.#isOpen = state === 'open';
  }

  async #submit() {
    const text = this.#input.value.trim();
    if (text === '') return;
    this.#input.value = '';
    const sentAt = performance.now();
    this.#note.textContent = this.#isOpen ? 'Publishing.' : 'The line waits for the connection.';
    try {
      const position = await this.#publish(`${byId('name').value}: ${text}`);
      const seconds = ((performance.now() - sentAt) / 1000).toFixed(1);
      this.#note.textContent = position === undefined ? 'There is no connection yet.' : `Published once, after ${seconds} s.`;
    } catch (error) {
      this.#note.textContent = `Not published: ${error.message}`;
    }
  }
}
