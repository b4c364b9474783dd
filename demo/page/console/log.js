import { byId, element, formatBytes, utf8Length } from '../dom.js';

/** Bounds the log's memory; the log counts removed entries. */
const MAX_ENTRIES = 200;
const MAX_TEXT_LENGTH = 2_000;
const MAX_DUMP_BYTES = 64;
const isNarrow = matchMedia('(max-width: 640px)');
/** Within this distance of the end, the view follows the log. */
const FOLLOW_PX = 40;

const directions = {
  in: { sign: '↓', name: 'received' },
  out: { sign: '↑', name: 'sent' },
  note: { sign: '·', name: 'event' },
};

/** Messages and events, newest last. Entries of one frame are rendered together. */
export class MessageLog {
  #root = byId('log');
  #waiting = [];
  #removed = 0;
  #totals = { in: { count: 0, bytes: 0 }, out: { count: 0, bytes: 0 } };

  constructor() {
    byId('log-clear').addEventListener('click', () => this.clear());
    this.#showTotals();
  }

  message(direction, message, title) {
    const isText = typeof message === 'string';
    const bytes = isText ? utf8Length(message) : message.byteLength;
    this.#totals[direction].count += 1;
    this.#totals[direction].bytes += bytes;
    this.#add({ direction, kind: isText ? 'text' : 'binary', bytes, title, body: isText ? textBody(message) : hexDump(message) });
  }

  note(text, tone = 'plain') {
    this.#add({ direction: 'note', kind: tone, body: text });
  }

  clear() {
    this.#waiting = [];
    this.#removed = 0;
    this.#totals = { in: { count: 0, bytes: 0 }, out: { count: 0, bytes: 0 } };
    this.#root.replaceChildren();
    this.#showTotals();
  }

  #add(entry) {
    if (this.#waiting.length === 0) requestAnimationFrame(() => this.#flush());
    this.#waiting.push({ ...entry, at: new Date() });
    if (this.#waiting.length <= MAX_ENTRIES) return;
    this.#waiting.shift();
    this.#removed += 1;
  }

  #flush() {
    const isFollowing = this.#root.scrollHeight - this.#root.scrollTop - this.#root.clientHeight < FOLLOW_PX;
    this.#root.append(...this.#waiting.map(entryRow));
    this.#waiting = [];
    while (this.#root.children.length > MAX_ENTRIES) {
      this.#root.firstChild.remove();
      this.#removed += 1;
    }
    if (isFollowing) this.#root.scrollTop = this.#root.scrollHeight;
    this.#showTotals();
  }

  #showTotals() {
    const { in: received, out: sent } = this.#totals;
    const older = this.#removed === 0 ? '' : `, ${this.#removed} older not shown`;
    byId('log-totals').textContent =
      `↑ ${sent.count} (${formatBytes(sent.bytes)})  ↓ ${received.count} (${formatBytes(received.bytes)})${older}`;
    byId('log-empty').hidden = this.#root.children.length > 0;
  }
}

function entryRow({ direction, kind, bytes, title, body, at }) {
  const { sign, name } = directions[direction];
  const facts =
    bytes === undefined ? [] : [element('span', { class: 'kind' }, kind), element('span', { class: 'size' }, formatBytes(bytes))];
  return element(
    'li',
    { class: `entry ${direction} ${kind}` },
    element('time', { datetime: at.toISOString() }, clockTime(at)),
    element(
      'span',
      { class: 'direction' },
      element('span', { 'aria-hidden': 'true' }, sign),
      element('span', { class: 'visually-hidden' }, name),
    ),
    ...facts,
    element('div', { class: 'body' }, ...(title === undefined ? [] : [element('strong', {}, title)]), body),
  );
}

function textBody(text) {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)} … and ${text.length - MAX_TEXT_LENGTH} characters more`;
}

/** Rows of hexadecimal bytes and their ASCII characters. */
function hexDump(bytes) {
  const rows = [];
  const rowBytes = isNarrow.matches ? 8 : 16;
  for (let at = 0; at < Math.min(bytes.length, MAX_DUMP_BYTES); at += rowBytes) {
    const row = [...bytes.subarray(at, Math.min(at + rowBytes, MAX_DUMP_BYTES))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    rows.push(`${hex.padEnd(Math.min(bytes.length, rowBytes) * 3 - 1)}  ${ascii}`);
  }
  if (bytes.length > MAX_DUMP_BYTES) rows.push(`… and ${formatBytes(bytes.length - MAX_DUMP_BYTES)} more`);
  return element('code', { class: 'dump' }, bytes.length === 0 ? '(no bytes)' : rows.join('\n'));
}

function clockTime(at) {
  const two = (number) => String(number).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}
