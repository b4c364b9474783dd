import { FEED_HISTORY } from '/shared/feed.js';
import { byId } from '../dom.js';
import { WINDOW_BYTES } from './readers.js';

/** So few unread messages are those of a moment. */
const FEW = 3;

/** A reader: its counts, where its unread messages are, and its last lines. */
export class ReaderView {
  #root;
  #places;
  #verdict;
  #lines;
  #bar;

  constructor(id) {
    this.#root = byId(id);
    this.#places = new Map(['unread', 'read', 'lost'].map((name) => [name, this.#root.querySelector(`[data-count="${name}"]`)]));
    this.#verdict = this.#root.querySelector('.cable-verdict');
    this.#lines = [...this.#root.querySelectorAll('.feed-lines li')];
    this.#bar = this.#root.querySelector('.feed-bar');
  }

  /** `windowMessages`: how many messages the reader's window holds. */
  show({ read, lost, lines }, unread, windowMessages) {
    const held = Math.max(0, unread - windowMessages);
    for (const [name, place] of this.#places) setText(place, String({ unread, read, lost }[name]));
    setText(this.#verdict, verdict(unread, held));
    this.#root.dataset.tone = held > 0 ? 'lossy' : 'calm';
    this.#places.get('lost').classList.toggle('wrong', lost > 0);
    this.#bar.style.setProperty('--window', Math.min(1, unread / windowMessages));
    this.#bar.style.setProperty('--history', Math.min(1, held / FEED_HISTORY));
    for (const [i, row] of this.#lines.entries()) setText(row, lines[i] ?? '\u00a0');
  }
}

/** Where the unread messages are, as a sentence. */
function verdict(unread, held) {
  if (unread <= FEW) return 'Reads every message soon after it arrives.';
  if (held === 0) return `Behind: its messages wait on this page, in a window of ${WINDOW_BYTES} bytes.`;
  if (held <= FEED_HISTORY) return `The window is full: the server sends no more. ${held} wait in its history.`;
  return 'The window is full, and the history is outrun: the next read reports the gap.';
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
